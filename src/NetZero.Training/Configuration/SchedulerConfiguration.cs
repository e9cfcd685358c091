namespace NetZero.Training;

/// <summary>How the learning rate moves over the run.</summary>
public enum SchedulerKind
{
    /// <summary>It does not.</summary>
    Constant,

    /// <summary>Linearly from 0 to the full rate, which then stays.</summary>
    WarmupLR,

    /// <summary>Linearly from 0 to the full rate, then down a half cosine.</summary>
    WarmupCosineLR,
}

/// <summary>The section <c>scheduler</c> with its <c>params</c>.</summary>
public sealed record SchedulerConfiguration
{
    /// <summary>The schedule.</summary>
    public SchedulerKind Type { get; init; } = SchedulerKind.Constant;

    /// <summary>Steps until the full rate is reached; 0 is none.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>WarmupCosineLR: the step at which the lowest rate is reached; by default the run's steps, but no less than the warm-up.</summary>
    public int TotalSteps { get; init; }

    /// <summary>WarmupCosineLR: the lowest rate as a share of the full one.</summary>
    public double CosineMinimumRatio { get; init; }
}
