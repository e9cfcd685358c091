namespace NetZero.Collectives;

/// <summary>A rank's process has ended without a word: killed, crashed, or cut off.</summary>
public sealed class RankLostException : CollectiveException
{
    /// <summary>Names the rank and its process.</summary>
    public RankLostException(int rank, int processId)
        : base($"process {processId} has ended without a word: it was killed or has crashed") =>
        Rank = rank;

    /// <summary>The rank that is gone (world rank).</summary>
    public int Rank { get; }
}
