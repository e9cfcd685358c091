using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Times the collectives of a step between the ranks that there are, small and large.</summary>
internal static class CollectiveBenchmark
{
    // The largest is more than last-level caches hold, as the flat buffers of wide blocks are.
    private static readonly long[] _elements = [1L << 12, 1L << 17, 1L << 21, 1L << 24];
    private const int Repeats = 5;

    /// <summary>A call of each operation and size, by its median; none in a world of one.</summary>
    public static IReadOnlyList<KernelLaunch> Run(RankContext rank)
    {
        if (rank.Group.Size == 1)
            return [];
        var calls = new List<KernelLaunch>();
        foreach (var elements in _elements)
        {
            using var scope = rank.Tensors.BeginScope("collectives");
            var share = elements / rank.Group.Size;
            var whole = CollectiveBuffer.Of(rank.Tensors.Full([share * rank.Group.Size], 1, MemoryKind.Gathered));
            var part = CollectiveBuffer.Of(rank.Tensors.Full([share], 1, MemoryKind.Gradient));
            calls.Add(Time(rank, CollectiveOperation.AllGather, whole.Bytes, () => rank.Group.AllGather("benchmark", part, whole).Wait()));
            calls.Add(Time(rank, CollectiveOperation.ReduceScatter, whole.Bytes, () => rank.Group.ReduceScatter("benchmark", whole, part, ReduceOp.Average).Wait()));
            calls.Add(Time(rank, CollectiveOperation.AllReduce, whole.Bytes, () => rank.Group.AllReduce("benchmark", whole, ReduceOp.Average).Wait()));
        }

        return calls;
    }

    private static KernelLaunch Time(RankContext rank, CollectiveOperation operation, long bytes, Action call)
    {
        var ticks = new long[Repeats];
        call();
        for (var i = 0; i < Repeats; i++)
        {
            rank.Group.Barrier("benchmark");
            var start = Stopwatch.GetTimestamp();
            call();
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }

        Array.Sort(ticks);
        var work = new KernelWork(0, WireBytes.Of(operation, bytes, rank.Group.Size));
        return new KernelLaunch(operation.ToString(), DType.F32, work, 0, ticks[Repeats / 2]);
    }
}
