using NetZero.Nn;

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>scheduler</c>.</summary>
internal static class SchedulerKeys
{
    private static readonly Section<SchedulerConfiguration> Params = new(
        new ValueKey<SchedulerConfiguration, int>(
            "warmup_num_steps", new WholeNumber<int>(0), s => s.WarmupSteps, (s, v) => s with { WarmupSteps = v },
            "Steps until the full learning rate is reached, where scheduler.type begins with a warm-up.")
        {
            Only = (s => s.WarmsUp, "scheduler.type WarmupLR, WarmupDecayLR, WarmupCosineLR, InverseSqrtLR or WarmupStableDecayLR"),
        },
        new ValueKey<SchedulerConfiguration, int>(
            "total_num_steps", new WholeNumber<int>(1), s => s.TotalSteps, (s, v) => s with { TotalSteps = v },
            "The step at which the last rate is reached, where scheduler.type has an end; by default steps, or with data.epochs as many as the run takes.")
        {
            Only = (s => s.Ends, "scheduler.type WarmupDecayLR, WarmupCosineLR, WarmupStableDecayLR or OneCycleLR"),
        },
        Of(SchedulerKind.WarmupCosineLR, "cos_min_ratio", new RealNumber(0, 1), s => s.CosineMinimumRatio, (s, v) => s with { CosineMinimumRatio = v },
            "the lowest rate as a share of the full one."),
        Of(SchedulerKind.InverseSqrtLR, "timescale", new WholeNumber<int>(1), s => s.Timescale, (s, v) => s with { Timescale = v },
            "after three times as many steps the rate has halved; by default warmup_num_steps, or 10,000 without a warm-up."),
        Of(SchedulerKind.WarmupStableDecayLR, "decay_num_steps", new WholeNumber<int>(1), s => s.DecaySteps, (s, v) => s with { DecaySteps = v },
            "the last steps before total_num_steps, in which the rate falls. Required."),
        Of(SchedulerKind.WarmupStableDecayLR, "decay_type",
            new Choice<DecayShape>(("cosine", DecayShape.Cosine), ("linear", DecayShape.Linear), ("1-sqrt", DecayShape.OneMinusSquareRoot)),
            s => s.DecayShape, (s, v) => s with { DecayShape = v }, "the shape of the fall."),
        Of(SchedulerKind.WarmupStableDecayLR, "min_lr_ratio", new RealNumber(0, 1), s => s.MinimumRatio, (s, v) => s with { MinimumRatio = v },
            "the last rate as a share of the full one."),
        Of(SchedulerKind.OneCycleLR, "pct_start", new RealNumber(0, 1), s => s.RisingShare, (s, v) => s with { RisingShare = v },
            "the share of the steps in which the rate rises."),
        Of(SchedulerKind.OneCycleLR, "div_factor", new RealNumber(1), s => s.StartDivisor, (s, v) => s with { StartDivisor = v },
            "the first rate is the full one divided by it."),
        Of(SchedulerKind.OneCycleLR, "final_div_factor", new RealNumber(1), s => s.EndDivisor, (s, v) => s with { EndDivisor = v },
            "the last rate is the first divided by it."),
        Of(SchedulerKind.StepLR, "step_size", new WholeNumber<int>(1), s => s.StepSize, (s, v) => s with { StepSize = v },
            "steps between falls. Required."),
        Of(SchedulerKind.StepLR, "gamma", new RealNumber(0), s => s.Gamma, (s, v) => s with { Gamma = v }, "the factor of each fall."));

    /// <summary>The section itself.</summary>
    public static readonly Section<SchedulerConfiguration> Section = new(
        new ValueKey<SchedulerConfiguration, SchedulerKind>(
            "type",
            new Choice<SchedulerKind>(
                ("constant", SchedulerKind.Constant), ("WarmupLR", SchedulerKind.WarmupLR), ("WarmupDecayLR", SchedulerKind.WarmupDecayLR),
                ("WarmupCosineLR", SchedulerKind.WarmupCosineLR), ("InverseSqrtLR", SchedulerKind.InverseSqrtLR),
                ("WarmupStableDecayLR", SchedulerKind.WarmupStableDecayLR), ("OneCycleLR", SchedulerKind.OneCycleLR), ("StepLR", SchedulerKind.StepLR)),
            s => s.Type, (s, v) => s with { Type = v }, "How the learning rate moves."),
        new SectionKey<SchedulerConfiguration, SchedulerConfiguration>("params", Params, s => s, (_, v) => v, "The schedule's settings."));

    // A key that one schedule alone has.
    private static ValueKey<SchedulerConfiguration, V> Of<V>(
        SchedulerKind kind, string name, ValueType<V> type, Func<SchedulerConfiguration, V> get, Func<SchedulerConfiguration, V, SchedulerConfiguration> set,
        string description) =>
        new(name, type, get, set, $"{kind}: {description}") { Only = (s => s.Type == kind, $"scheduler.type {kind}") };
}
