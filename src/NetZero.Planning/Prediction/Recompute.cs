namespace NetZero.Planning;

/// <summary>What of the forward pass backward computes again.</summary>
public enum Recompute
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Attention's scores and weighted sum only (Korthikanti et al. 2022, "selective").</summary>
    Attention,

    /// <summary>Elementwise ops and every second product of each block (torchtitan's selective op mode).</summary>
    PerOp,

    /// <summary>Every second block whole.</summary>
    EverySecondBlock,

    /// <summary>Every block whole (Chen et al. 2016).</summary>
    Full,
}
