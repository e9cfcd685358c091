using NetZero.Nn;

namespace NetZero.Training;

/// <summary>How the learning rate moves over the run.</summary>
public enum SchedulerKind
{
    /// <summary>It does not.</summary>
    Constant,

    /// <summary>Linearly from 0 to the full rate, which then stays.</summary>
    WarmupLR,

    /// <summary>Linearly from 0 to the full rate, then linearly down to 0.</summary>
    WarmupDecayLR,

    /// <summary>Linearly from 0 to the full rate, then down a half cosine.</summary>
    WarmupCosineLR,

    /// <summary>Linearly from 0 to the full rate, then down with the inverse square root of the step.</summary>
    InverseSqrtLR,

    /// <summary>Linearly from 0 to the full rate, which stays until it falls at the end.</summary>
    WarmupStableDecayLR,

    /// <summary>Up and down once, by half cosines.</summary>
    OneCycleLR,

    /// <summary>Multiplied by a factor every so many steps.</summary>
    StepLR,
}

/// <summary>The section <c>scheduler</c> with its <c>params</c>.</summary>
public sealed record SchedulerConfiguration
{
    /// <summary>The schedule.</summary>
    public SchedulerKind Type { get; init; } = SchedulerKind.Constant;

    /// <summary>Steps until the full rate is reached; 0 is none.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>
    /// The step at which the last rate is reached, where there is one; by default the run's steps, but no less than the warm-up. 0 where
    /// the run ends with its text (<see cref="DataConfiguration.Epochs"/>), which tells how many steps it has.
    /// </summary>
    public int TotalSteps { get; init; }

    /// <summary>WarmupCosineLR: the lowest rate as a share of the full one.</summary>
    public double CosineMinimumRatio { get; init; }

    /// <summary>WarmupStableDecayLR: how many steps the fall takes.</summary>
    public int DecaySteps { get; init; }

    /// <summary>WarmupStableDecayLR: the fall's shape.</summary>
    public DecayShape DecayShape { get; init; }

    /// <summary>WarmupStableDecayLR: the last rate as a share of the full one.</summary>
    public double MinimumRatio { get; init; }

    /// <summary>InverseSqrtLR: the steps after which, three times over, the rate has halved; by default the warm-up's, or 10,000 without one.</summary>
    public int Timescale { get; init; }

    /// <summary>OneCycleLR: the share of the steps in which the rate rises.</summary>
    public double RisingShare { get; init; } = 0.3;

    /// <summary>OneCycleLR: the first rate is the full one divided by it.</summary>
    public double StartDivisor { get; init; } = 25;

    /// <summary>OneCycleLR: the last rate is the first divided by it.</summary>
    public double EndDivisor { get; init; } = 1e4;

    /// <summary>StepLR: steps between falls.</summary>
    public int StepSize { get; init; }

    /// <summary>StepLR: the factor of each fall.</summary>
    public double Gamma { get; init; } = 0.1;

    /// <summary>Whether the schedule begins with a warm-up.</summary>
    public bool WarmsUp => Type is SchedulerKind.WarmupLR or SchedulerKind.WarmupDecayLR or SchedulerKind.WarmupCosineLR or SchedulerKind.InverseSqrtLR
        or SchedulerKind.WarmupStableDecayLR;

    /// <summary>Whether the schedule has an end.</summary>
    public bool Ends => Type is SchedulerKind.WarmupDecayLR or SchedulerKind.WarmupCosineLR or SchedulerKind.WarmupStableDecayLR or SchedulerKind.OneCycleLR;

    /// <summary>The step at which the last rate is reached in a run of so many steps.</summary>
    /// <remarks>One that is cut short for a trial ends within the warm-up, which is no mistake.</remarks>
    internal int Span(int steps) => TotalSteps > 0 ? TotalSteps : Math.Max(steps, WarmupSteps);

    /// <summary>Refuses a text that ends before the schedule can.</summary>
    /// <exception cref="ConfigurationException">Warm-up and fall together are longer than the text's steps.</exception>
    internal void CheckSteps(int steps)
    {
        if (Type == SchedulerKind.WarmupStableDecayLR && (long)WarmupSteps + DecaySteps > Span(steps))
        {
            throw new ConfigurationException(
                $"'scheduler.params.warmup_num_steps' {WarmupSteps} and 'scheduler.params.decay_num_steps' {DecaySteps} are together more "
                + $"than the {steps} steps after which 'data.epochs' ends the run; lower either or raise the last");
        }
    }

    /// <summary>The schedule of a run of so many steps.</summary>
    internal LearningRateSchedule Make(int steps) => Type switch
    {
        SchedulerKind.Constant => new ConstantSchedule(),
        SchedulerKind.WarmupLR => new WarmupSchedule(WarmupSteps),
        SchedulerKind.WarmupDecayLR => new WarmupDecaySchedule(WarmupSteps, Span(steps)),
        SchedulerKind.WarmupCosineLR => new WarmupCosineSchedule(WarmupSteps, Span(steps), CosineMinimumRatio),
        SchedulerKind.InverseSqrtLR => new InverseSquareRootSchedule(WarmupSteps, Timescale),
        SchedulerKind.WarmupStableDecayLR => new WarmupStableDecaySchedule(WarmupSteps, Span(steps), DecaySteps, MinimumRatio, DecayShape),
        SchedulerKind.OneCycleLR => new OneCycleSchedule(Span(steps), RisingShare, StartDivisor, EndDivisor),
        SchedulerKind.StepLR => new StepDecaySchedule(StepSize, Gamma),
        _ => throw new InvalidOperationException($"Unknown scheduler {Type}."),
    };
}
