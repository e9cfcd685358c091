namespace NetZero.Planning;

/// <summary>What came of one row. Numbers that do not exist are null; errors are fractions of the measured value.</summary>
public sealed record RowResult
{
    /// <summary>The row's name.</summary>
    public required string Id { get; init; }

    /// <summary>The row's source.</summary>
    public required string Source { get; init; }

    /// <summary>The device.</summary>
    public required string Device { get; init; }

    /// <summary>Predicted tokens per second and device.</summary>
    public double? PredictedTokensPerSPerGpu { get; init; }

    /// <summary>Measured tokens per second and device, derived where another unit was published.</summary>
    public double? MeasuredTokensPerSPerGpu { get; init; }

    /// <summary>|predicted - measured| / measured tokens per second.</summary>
    public double? TimeError { get; init; }

    /// <summary>The error of the constant MFU of the row's device.</summary>
    public double? BaselineTimeError { get; init; }

    /// <summary>Predicted peak memory in the row's counter.</summary>
    public double? PredictedPeakMemGib { get; init; }

    /// <summary>Published peak memory.</summary>
    public double? MeasuredPeakMemGib { get; init; }

    /// <summary>|predicted - measured| / measured bytes.</summary>
    public double? MemoryError { get; init; }

    /// <summary>What the published memory counts.</summary>
    public MemoryCounter Counter { get; init; }

    /// <summary>Whether the errors count in summaries.</summary>
    public bool Scored { get; init; }

    /// <summary>What the row does not give and was assumed.</summary>
    public IReadOnlyList<string> Assumed { get; init; } = [];

    /// <summary>Why there is no prediction, or why it is not scored.</summary>
    public string? Reason { get; init; }
}
