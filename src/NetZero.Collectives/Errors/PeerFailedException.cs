namespace NetZero.Collectives;

/// <summary>Another rank has failed, so this one cannot go on. The other's exception is the inner one.</summary>
public sealed class PeerFailedException : CollectiveException
{
    /// <summary>Names the rank that failed and why.</summary>
    public PeerFailedException(int failedRank, Exception cause)
        : base($"Rank {failedRank} failed: {cause.Message}", cause) =>
        FailedRank = failedRank;

    /// <summary>The rank that failed first (world rank).</summary>
    public int FailedRank { get; }
}
