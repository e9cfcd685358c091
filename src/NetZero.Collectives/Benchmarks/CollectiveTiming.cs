namespace NetZero.Collectives;

/// <summary>How long one collective takes at one size.</summary>
/// <param name="Operation">What was done, with fp32 sums where it reduces.</param>
/// <param name="Ranks">By how many.</param>
/// <param name="Bytes">The whole message: each rank's buffer of an all-reduce, what an all-gather gives each rank, what each gives a reduce-scatter.</param>
/// <param name="Seconds">The median over repetitions of the slowest rank's time.</param>
/// <param name="FastestSeconds">The fastest repetition.</param>
/// <param name="Repetitions">How many.</param>
public sealed record CollectiveTiming(CollectiveOperation Operation, int Ranks, long Bytes, double Seconds, double FastestSeconds, int Repetitions)
{
    /// <summary>Algorithm bandwidth in GB/s: the message over the time, as nccl-tests and others count it.</summary>
    public double AlgorithmBandwidth => Bytes / Seconds * 1e-9;

    /// <summary>GB/s of memory that ranks in one memory read and write: each contribution once, each result once.</summary>
    public double MemoryBandwidth => MemoryBytes / Seconds * 1e-9;

    private long MemoryBytes => Operation switch
    {
        CollectiveOperation.AllReduce => 2 * Ranks * Bytes,
        CollectiveOperation.AllGather => 2 * Ranks * Bytes,
        CollectiveOperation.ReduceScatter => (Ranks + 1) * Bytes,
        _ => Bytes,
    };
}
