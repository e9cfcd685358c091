namespace NetZero.Sharding;

/// <summary>What a step does when some ranks have samples and others have run out (PyTorch's <c>Join</c>).</summary>
public enum UnevenInputs
{
    /// <summary>All stop before the first step in which a rank has none.</summary>
    Stop,

    /// <summary>A rank without samples computes all the same, with weight 0, until all have run out.</summary>
    Pad,

    /// <summary>A rank without samples makes the step's collectives with gradients of zero and computes nothing, until all have run out.</summary>
    Skip,
}
