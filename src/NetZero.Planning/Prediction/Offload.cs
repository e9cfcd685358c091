namespace NetZero.Planning;

/// <summary>What lies in the host's memory instead of the device's (ZeRO-Offload, ZeRO-Infinity).</summary>
[Flags]
public enum Offload
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Moments and masters, which the host updates.</summary>
    Optimizer = 1,

    /// <summary>Parameters and gradients between their uses.</summary>
    Parameters = 2,

    /// <summary>The inputs of checkpointed blocks.</summary>
    Checkpoints = 4,
}
