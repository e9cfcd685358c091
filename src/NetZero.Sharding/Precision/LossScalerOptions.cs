namespace NetZero.Sharding;

/// <summary>How losses are scaled, with DeepSpeed's names and defaults (section <c>fp16</c>).</summary>
public sealed record LossScalerOptions
{
    /// <summary>A fixed scale; 0 adapts it.</summary>
    public double LossScale { get; init; }

    /// <summary>The first scale is 2 to this power.</summary>
    public int InitialScalePower { get; init; } = 16;

    /// <summary>After so many steps without overflow the scale doubles.</summary>
    public int LossScaleWindow { get; init; } = 1000;

    /// <summary>So many overflows are borne before the scale is halved: 1 halves at each.</summary>
    public int Hysteresis { get; init; } = 2;

    /// <summary>Whether a step without overflow restores the hysteresis; otherwise only a scale that doubles does.</summary>
    public bool ConsecutiveHysteresis { get; init; }

    /// <summary>The scale is never halved below this.</summary>
    public double MinLossScale { get; init; } = 1;

    /// <exception cref="ArgumentException">A setting that cannot be; the message says which.</exception>
    internal void Validate()
    {
        if (!(LossScale >= 0) || !double.IsFinite(LossScale))
            throw new ArgumentException($"LossScale is {LossScale}; it must be 0 (adapts) or a positive number.");
        if (InitialScalePower is < 0 or > 126)
            throw new ArgumentException($"InitialScalePower is {InitialScalePower}; it must be from 0 to 126, so that the scale is a float.");
        if (LossScaleWindow < 1)
            throw new ArgumentException($"LossScaleWindow is {LossScaleWindow}; it must be at least 1.");
        if (Hysteresis < 1)
            throw new ArgumentException($"Hysteresis is {Hysteresis}; it must be at least 1.");
        if (!(MinLossScale > 0) || !double.IsFinite(MinLossScale))
            throw new ArgumentException($"MinLossScale is {MinLossScale}; it must be above 0.");
    }
}
