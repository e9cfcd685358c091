using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Smaller worlds that take the same global batches as a run, in more micro-batches.</summary>
internal static class ElasticWorlds
{
    /// <summary>The worlds below <paramref name="run"/>'s, the largest first, that divide its global batch.</summary>
    public static IReadOnlyList<int> Below(RunConfiguration run, int least) =>
        [.. Enumerable.Range(least, Math.Max(0, run.Ranks - least)).Where(world => run.TrainBatchSize % world == 0).Reverse()];

    /// <summary>The micro-batch and the accumulation of a world: as large a micro-batch as there is room for, which is that of the run.</summary>
    public static (int Micro, int Accumulation) Batches(RunConfiguration run, int world)
    {
        var samples = run.TrainBatchSize / world;
        var micro = Math.Min(run.MicroBatchSize, samples);
        while (samples % micro != 0)
            micro--;
        return (micro, samples / micro);
    }
}
