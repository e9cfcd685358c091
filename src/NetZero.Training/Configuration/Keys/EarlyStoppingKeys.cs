namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>early_stopping</c>.</summary>
internal static class EarlyStoppingKeys
{
    /// <summary>The section itself.</summary>
    public static readonly Section<EarlyStoppingConfiguration> Section = new(
        new ValueKey<EarlyStoppingConfiguration, int>(
            "patience", new WholeNumber<int>(0), e => e.Patience, (e, v) => e with { Patience = v },
            "The run ends after so many evaluations in a row, each eval_every steps, without a lower validation loss; 0 is off."),
        new ValueKey<EarlyStoppingConfiguration, double>(
            "min_delta", new RealNumber(0), e => e.MinDelta, (e, v) => e with { MinDelta = v },
            "By how much a validation loss must be below the lowest so far to count as lower.")
        { Only = (e => e.Patience > 0, "early_stopping.patience above 0") });
}
