using System.Diagnostics;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>Times the collectives that training uses, on whatever carries the ranks' data.</summary>
public static class CollectiveBenchmark
{
    private const int Warmup = 3;

    /// <summary>What a training step is made of.</summary>
    public static IReadOnlyList<CollectiveOperation> OfTraining { get; } =
        [CollectiveOperation.AllReduce, CollectiveOperation.AllGather, CollectiveOperation.ReduceScatter];

    /// <summary>All; a send stands for itself and its receive.</summary>
    public static IReadOnlyList<CollectiveOperation> All { get; } =
    [
        .. OfTraining, CollectiveOperation.Broadcast, CollectiveOperation.AllToAll, CollectiveOperation.Send, CollectiveOperation.AllReduceScalars, CollectiveOperation.Barrier,
    ];

    /// <summary>Measures on one rank; every rank calls it with the same arguments.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="operations">Which.</param>
    /// <param name="sizes">Bytes of the whole messages, rounded up to 64 for each rank.</param>
    /// <param name="seconds">About the time for each operation and size.</param>
    /// <param name="onTiming">Told each result as it comes; the same on every rank.</param>
    /// <remarks>A barrier stands before each repetition. The buffers are where training has its own: in the memory that peers map, where they map any.</remarks>
    public static void Run(
        RankContext rank, IReadOnlyList<CollectiveOperation> operations, IReadOnlyList<long> sizes, double seconds, Action<CollectiveTiming> onTiming)
    {
        ArgumentNullException.ThrowIfNull(rank);
        ArgumentNullException.ThrowIfNull(operations);
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentNullException.ThrowIfNull(onTiming);
        foreach (var operation in operations)
        {
            // Barriers and scalars have no size to speak of.
            foreach (var size in operation is CollectiveOperation.Barrier or CollectiveOperation.AllReduceScalars ? sizes.Take(1) : sizes)
                onTiming(Measure(rank, operation, size, seconds));
        }
    }

    private static long MessageBytes(CollectiveOperation operation, long bytes) => operation switch
    {
        CollectiveOperation.Barrier => 0,
        CollectiveOperation.AllReduceScalars => sizeof(double),
        _ => bytes,
    };

    private static CollectiveTiming Measure(RankContext rank, CollectiveOperation operation, long bytes, double seconds)
    {
        var shardElements = (MemoryLedger.Round((bytes + rank.WorldSize - 1) / rank.WorldSize)) / sizeof(float);
        var whole = rank.Tensors.Zeros([shardElements * rank.WorldSize], kind: MemoryKind.Gradient).Keep();
        var shard = rank.Tensors.Zeros([shardElements], kind: MemoryKind.Gradient).Keep();
        var other = operation == CollectiveOperation.AllToAll ? rank.Tensors.Zeros([shardElements * rank.WorldSize], kind: MemoryKind.Gradient).Keep() : null;
        var (wholeBuffer, shardBuffer) = (CollectiveBuffer.Of(whole), CollectiveBuffer.Of(shard));
        var scalar = new double[1];
        try
        {
            for (var i = 0; i < Warmup; i++)
                Once();
            var repetitions = (int)Math.Clamp(seconds / Agreed(Once()), 5, 2000);
            var times = new double[repetitions];
            for (var i = 0; i < repetitions; i++)
                times[i] = Once();

            // The slowest rank's time is when the work is done.
            rank.Group.AllReduce("times", times, ReduceOp.Max);
            Array.Sort(times);
            return new CollectiveTiming(operation, rank.WorldSize, MessageBytes(operation, wholeBuffer.Bytes), times[repetitions / 2], times[0], repetitions);
        }
        finally
        {
            whole.Free();
            shard.Free();
            other?.Free();
        }

        double Once()
        {
            rank.Group.Barrier("ready");
            var start = Stopwatch.GetTimestamp();
            Start().WaitInputs();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Work Start()
        {
            switch (operation)
            {
                case CollectiveOperation.AllReduce:
                    return rank.Group.AllReduce("benchmark", wholeBuffer, ReduceOp.Sum);
                case CollectiveOperation.AllGather:
                    return rank.Group.AllGather("benchmark", shardBuffer, wholeBuffer);
                case CollectiveOperation.ReduceScatter:
                    return rank.Group.ReduceScatter("benchmark", wholeBuffer, shardBuffer, ReduceOp.Sum);
                case CollectiveOperation.Broadcast:
                    return rank.Group.Broadcast("benchmark", wholeBuffer, 0);
                case CollectiveOperation.AllToAll:
                    return rank.Group.AllToAll("benchmark", wholeBuffer, CollectiveBuffer.Of(other!));
                case CollectiveOperation.Send:
                    return rank.Rank > 1 || rank.WorldSize == 1 ? Work.Completed
                        : rank.Rank == 0 ? rank.Group.Send("benchmark", wholeBuffer, 1) : rank.Group.Receive("benchmark", wholeBuffer, 0);
                case CollectiveOperation.AllReduceScalars:
                    rank.Group.AllReduce("benchmark", scalar, ReduceOp.Sum);
                    return Work.Completed;
                case CollectiveOperation.Barrier:
                    rank.Group.Barrier("benchmark");
                    return Work.Completed;
                default:
                    throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not measured by itself.");
            }
        }

        double Agreed(double value)
        {
            Span<double> values = [value];
            rank.Group.AllReduce("repetitions", values, ReduceOp.Max);
            return values[0];
        }
    }
}
