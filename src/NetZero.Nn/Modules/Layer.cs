using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A module from one tensor to one tensor.</summary>
public abstract class Layer : Module
{
    /// <summary>Runs the layer.</summary>
    public Tensor Call(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var call = Enter(x.Context);
        return call.Return(Forward(x));
    }

    /// <summary>The computation. Users call <see cref="Call"/>.</summary>
    protected abstract Tensor Forward(Tensor x);
}
