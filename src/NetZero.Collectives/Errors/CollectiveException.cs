namespace NetZero.Collectives;

/// <summary>Something went wrong between ranks.</summary>
public abstract class CollectiveException : Exception
{
    private protected CollectiveException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The ranks that are missing or that made another call (world ranks); empty where the message names whom it concerns.</summary>
    public virtual IReadOnlyList<int> BlamedRanks => [];

    /// <summary>What all ranks called last, for failures that are about it; null otherwise.</summary>
    public HangReport? Report { get; internal init; }
}
