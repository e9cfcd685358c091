using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Told about the calls of one module.</summary>
public interface IModuleHooks
{
    /// <summary>The forward is about to begin; the module's parameters must be there when this returns.</summary>
    void BeforeForward();

    /// <summary>The forward has ended.</summary>
    /// <param name="result">What it gives.</param>
    /// <returns>What the call gives: the result, or the same in another type.</returns>
    Tensor AfterForward(Tensor result);

    /// <summary>Inside the backward pass: the forward is about to run again, because it was checkpointed.</summary>
    void BeforeRecompute();

    /// <summary>The forward has run again.</summary>
    void AfterRecompute();
}
