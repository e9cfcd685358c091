namespace NetZero.Collectives;

/// <summary>A rank has finished its program while others still wait for it in a call.</summary>
public sealed class PeerLeftException : CollectiveException
{
    /// <summary>Names the rank that left.</summary>
    public PeerLeftException(string message, int rank)
        : base(message) =>
        Rank = rank;

    /// <summary>The rank that left (world rank).</summary>
    public int Rank { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<int> BlamedRanks => [Rank];
}
