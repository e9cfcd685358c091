namespace NetZero.Collectives;

/// <summary>Two ranks made different calls where the same one was due: both are named.</summary>
public sealed class CollectiveMismatchException : CollectiveException
{
    /// <summary>Names the two calls.</summary>
    public CollectiveMismatchException(string group, int firstRank, string firstCall, int secondRank, string secondCall)
        : base($"Ranks disagree in group '{group}': rank {firstRank} called {firstCall}, rank {secondRank} called {secondCall}; "
            + "every rank must make the same calls in the same order.")
    {
        FirstRank = firstRank;
        SecondRank = secondRank;
    }

    // Each rank throws an object of its own: a stack trace belongs to one throw.
    internal CollectiveMismatchException(CollectiveMismatchException seenByAnother)
        : base(seenByAnother.Message)
    {
        Report = seenByAnother.Report;
        FirstRank = seenByAnother.FirstRank;
        SecondRank = seenByAnother.SecondRank;
    }

    /// <summary>The rank that came first (world rank).</summary>
    public int FirstRank { get; }

    /// <summary>The rank whose call differs (world rank).</summary>
    public int SecondRank { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<int> BlamedRanks => Report?.Blamed is { Count: > 0 } blamed ? blamed : [FirstRank, SecondRank];
}
