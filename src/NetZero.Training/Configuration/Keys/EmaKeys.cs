namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>ema</c>.</summary>
internal static class EmaKeys
{
    private static readonly (Func<EmaConfiguration, bool> Applies, string Where) On = (e => e.IsOn, "ema.decay above 0");

    /// <summary>The section itself.</summary>
    public static readonly Section<EmaConfiguration> Section = new(
        new ValueKey<EmaConfiguration, double>(
            "decay", new RealNumber(0, 1, belowMaximum: true), e => e.Decay, (e, v) => e with { Decay = v },
            "How much of an exponential moving average of the weights stays at each step, such as 0.999; 0 keeps no average. In step t it is at most (1 + t) / (10 + t)."),
        new ValueKey<EmaConfiguration, bool>(
            "evaluate", new Flag(), e => e.Evaluate, (e, v) => e with { Evaluate = v }, "Whether the validation text is evaluated with the average.")
        { Only = On },
        new ValueKey<EmaConfiguration, bool>(
            "save", new Flag(), e => e.Save, (e, v) => e with { Save = v }, "Whether the trained model that the run writes is the average; checkpoints hold both.")
        { Only = On });
}
