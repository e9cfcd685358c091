using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>How fast ranks as threads move data, beside the same threads copying as much: all take turns in one run.</summary>
/// <remarks>BenchmarkDotNet measures one thread's calls; a collective is what all ranks do until the last has its result. Bytes are those that all ranks together read and write.</remarks>
internal static class CollectiveBandwidth
{
    private const int Rounds = 7, RunsARound = 5;

    /// <summary>Measures and prints a table.</summary>
    /// <param name="ranks">Ranks, a divisor of the mebibytes.</param>
    /// <param name="mebibytes">The whole message.</param>
    public static async Task RunAsync(int ranks, int mebibytes)
    {
        var bytes = (long)mebibytes << 20;
        var seconds = new List<double[]>();
        await World.RunAsync(ranks, rank =>
        {
            var count = bytes / sizeof(float);
            var (whole, other, slice) = (Buffer(rank, count), Buffer(rank, count), Buffer(rank, count / ranks));
            var own = CollectiveBuffer.Of(whole).Slice(rank.Rank * (count / ranks), count / ranks);
            Action[] pieces =
            [
                () => other.CopyFrom(whole),
                () => rank.Group.AllGather("all-gather", CollectiveBuffer.Of(slice), CollectiveBuffer.Of(whole)).WaitInputs(),
                () => rank.Group.AllGather("all-gather in place", own, CollectiveBuffer.Of(whole)).WaitInputs(),
                () => rank.Group.ReduceScatter("reduce-scatter", CollectiveBuffer.Of(whole), CollectiveBuffer.Of(slice), ReduceOp.Average).WaitInputs(),
            ];
            for (var round = 0; round < Rounds; round++)
            {
                var found = pieces.Select(piece => Enumerable.Range(0, RunsARound).Min(_ => Time(rank, piece))).ToArray();
                if (rank.Rank == 0)
                    seconds.Add(found);
            }

            return Task.CompletedTask;
        });

        // Each rank copies the whole; gathers all slices, or all but its own; reads a slice of each rank and writes one.
        (string Name, double Bytes)[] lines =
        [
            ("copy", 2.0 * ranks * bytes), ("all-gather", 2.0 * ranks * bytes), ("all-gather in place", 2.0 * (ranks - 1) * bytes), ("reduce-scatter", (ranks + 1.0) * bytes),
        ];
        var rates = lines.Select((line, i) => line.Bytes / Median(seconds.Select(s => s[i])) / 1e9).ToArray();
        for (var i = 0; i < lines.Length; i++)
            Console.WriteLine(FormattableString.Invariant($"{lines[i].Name,-20} {Median(seconds.Select(s => s[i])) * 1e3,8:F2} ms {rates[i],8:F1} GB/s {rates[i] / rates[0],8:P0} of the copy"));
    }

    private static Tensor Buffer(RankContext rank, long count)
    {
        var tensor = rank.Tensors.Empty([count], DType.F32, MemoryKind.Communication, "message").Keep();
        tensor.Fill(1);
        return tensor;
    }

    private static double Time(RankContext rank, Action piece)
    {
        rank.Group.Barrier("begin");
        var start = Stopwatch.GetTimestamp();
        piece();
        rank.Group.Barrier("end");
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
