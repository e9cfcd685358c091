namespace NetZero.Nn;

/// <summary>
/// The settings of <see cref="Adafactor"/>, with Hugging Face's names and defaults. Its <c>relative_step</c> and <c>warmup_init</c> are a
/// schedule: <see cref="RelativeStepSchedule"/>, for which the learning rate's default of 1 is meant.
/// </summary>
public sealed record AdafactorOptions : OptimizerOptions
{
    /// <summary>The smallest <see cref="Epsilon1"/>: what is smaller may be zero in fp32.</summary>
    public const double LeastEpsilon = 1.2e-38;

    /// <summary>The defaults.</summary>
    public AdafactorOptions() => LearningRate = 1;

    /// <summary>Added to squares of gradients.</summary>
    public double Epsilon1 { get; init; } = 1e-30;

    /// <summary>The least RMS that a parameter counts for where steps are in proportion to it.</summary>
    public double Epsilon2 { get; init; } = 1e-3;

    /// <summary>The largest RMS of a parameter's step before the rate.</summary>
    public double ClipThreshold { get; init; } = 1;

    /// <summary>
    /// Of the means, 1 - t^rate stays at step t: from -1, which is a mean over all steps, to 0, which is the latest alone.
    /// </summary>
    public double DecayRate { get; init; } = -0.8;

    /// <summary>How much of the running mean of steps stays; null keeps none, which saves its memory.</summary>
    public double? Beta1 { get; init; }

    /// <summary>Whether steps are in proportion to the RMS of the parameter.</summary>
    public bool ScaleParameter { get; init; } = true;

    /// <summary>How the running mean of steps is kept, where there is one. Means of squares are few, and fp32.</summary>
    public StateFormat StateFormat { get; init; }

    internal void Check()
    {
        if (!(Epsilon1 >= LeastEpsilon))
        {
            throw new ArgumentException(
                $"Epsilon1 is {Epsilon1}; give at least {LeastEpsilon}, so that a gradient of zero has a second moment to be divided by.");
        }

        if (!(Epsilon2 >= 0))
            throw new ArgumentException($"Epsilon2 is {Epsilon2}; give at least 0.");
        if (!(ClipThreshold > 0))
            throw new ArgumentException($"ClipThreshold is {ClipThreshold}; give a number above 0.");
        if (!(DecayRate is >= -1 and <= 0))
            throw new ArgumentException($"DecayRate is {DecayRate}; give a number from -1 to 0.");
        if (Beta1 is { } beta1 && !(beta1 is >= 0 and < 1))
            throw new ArgumentException($"Beta1 is {beta1}; give a number from 0 to below 1, or null.");
    }
}
