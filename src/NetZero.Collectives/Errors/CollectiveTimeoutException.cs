namespace NetZero.Collectives;

/// <summary>Ranks did not arrive at a call in time: they are named, with what they did last.</summary>
public sealed class CollectiveTimeoutException : CollectiveException
{
    /// <summary>Names the ranks that are missing.</summary>
    public CollectiveTimeoutException(string message, IReadOnlyList<int> missingRanks)
        : base(message) =>
        MissingRanks = missingRanks;

    /// <summary>The ranks that did not come (world ranks).</summary>
    public IReadOnlyList<int> MissingRanks { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<int> BlamedRanks => MissingRanks;
}
