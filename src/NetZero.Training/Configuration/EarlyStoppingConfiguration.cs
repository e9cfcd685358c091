namespace NetZero.Training;

/// <summary>The section <c>early_stopping</c>: when a run ends before its last step because its validation loss does not fall any more.</summary>
public sealed record EarlyStoppingConfiguration
{
    /// <summary>How many evaluations in a row may pass without a lower validation loss; the run ends at the last of them. 0 is off.</summary>
    public int Patience { get; init; }

    /// <summary>By how much a loss, in nats per token, must be below the lowest so far to count as lower.</summary>
    public double MinDelta { get; init; }
}
