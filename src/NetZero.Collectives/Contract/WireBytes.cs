namespace NetZero.Collectives;

/// <summary>Bytes that one rank sends in each operation, by the bandwidth-optimal algorithms; planner and tests use the same formulas.</summary>
/// <remarks>
/// With N ranks and a message of S bytes: all-gather, reduce-scatter and all-to-all (N-1)/N S; all-reduce 2 (N-1)/N S; broadcast, send and
/// receive S; barriers none. Rounded down where N does not divide. (Thakur, Rabenseifner, Gropp: Optimization of Collective
/// Communication Operations in MPICH, 2005, section 3.)
/// </remarks>
public static class WireBytes
{
    /// <summary>Bytes on the wire for one rank of <paramref name="worldSize"/> and a whole message of <paramref name="bytes"/>.</summary>
    public static long Of(CollectiveOperation operation, long bytes, int worldSize) => worldSize == 1 ? 0 : operation switch
    {
        CollectiveOperation.AllGather or CollectiveOperation.ReduceScatter or CollectiveOperation.AllToAll => Share(bytes, worldSize - 1, worldSize),
        CollectiveOperation.AllReduce or CollectiveOperation.AllReduceScalars => Share(bytes, 2L * (worldSize - 1), worldSize),
        CollectiveOperation.Broadcast or CollectiveOperation.Send or CollectiveOperation.Receive => bytes,
        CollectiveOperation.Barrier => 0,
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Unknown operation."),
    };

    // Through Int128: 2 (N-1) S passes 2^63 for large models on thousands of ranks.
    private static long Share(long bytes, long numerator, long denominator) => (long)((Int128)bytes * numerator / denominator);
}
