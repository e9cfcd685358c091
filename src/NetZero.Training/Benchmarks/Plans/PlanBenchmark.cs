using NetZero.Collectives;
using NetZero.Planning;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Compares planned step times with measured ones.</summary>
public static class PlanBenchmark
{
    // Short steps are repeated for about a second before they count, while the runtime compiles for good what it compiled quickly first, and for more than that then.
    private const double WarmUpSeconds = 1;
    private const double CountedSeconds = 1.5;
    private const int LeastWarmUp = 2;
    private const int LeastCounted = 3;
    private const int MostOfEither = 15;

    /// <summary>Steps of a case, at most.</summary>
    internal const int Steps = 2 * MostOfEither;

    /// <summary>Measures the machine, plans each case, and runs it.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="cluster">The machine's description; null measures it for each number of ranks, just before the first case that has it.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <returns>A line for each case as soon as it has run.</returns>
    public static async IAsyncEnumerable<PlanLine> RunAsync(
        IEnumerable<PlanCase> cases, ClusterDescription? cluster = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cases);
        foreach (var alike in cases.GroupBy(one => one.Ranks))
        {
            var machine = cluster ?? await MachineBenchmark.MeasureAsync([(alike.Key, 1)], cancellation).ConfigureAwait(false);
            foreach (var one in alike)
            {
                var planned = RunPlanner.Plan(one.Run, machine).Time;
                var (seconds, kernels) = await MeasureAsync(one.Run, planned.StepSeconds, cancellation).ConfigureAwait(false);
                yield return new PlanLine(one.Name, planned, seconds, kernels);
            }
        }
    }

    private static async Task<(double Seconds, IReadOnlyDictionary<string, double> Kernels)> MeasureAsync(
        RunConfiguration run, double plannedSeconds, CancellationToken cancellation)
    {
        var warmUp = (int)Math.Clamp(Math.Ceiling(WarmUpSeconds / plannedSeconds), LeastWarmUp, MostOfEither);
        var seconds = new double[(int)Math.Clamp(Math.Ceiling(CountedSeconds / plannedSeconds), LeastCounted, MostOfEither)];
        var kernels = new KernelTotals();
        await World.RunAsync(
            run.Ranks,
            rank =>
            {
                var module = RunParts.Shard(run, RunParts.Model(run, exactGelu: false), rank.Group, rank.Tensors, source: null);
                var loop = RunParts.Loop(run, module, OptimizerParts.Make(run, module), new RandomBatches(run, rank.Rank), RankNews.Silent(run.Ranks));
                for (var step = 0; step < warmUp + seconds.Length; step++)
                {
                    if (rank.Rank == 0 && step == warmUp)
                        rank.Tensors.KernelObserver = kernels;
                    var result = loop.Step(step, rank.Cancellation);
                    if (rank.Rank == 0 && step >= warmUp)
                        seconds[step - warmUp] = result.Seconds;
                }

                return Task.CompletedTask;
            },
            new WorldOptions { Tensors = new TensorContextOptions { Threads = run.ThreadsPerRank } },
            cancellation).ConfigureAwait(false);
        Array.Sort(seconds);
        return (seconds[seconds.Length / 2], kernels.PerStep(seconds.Length));
    }

    // Drawn before the steps, so that reading costs what it costs to read from a text.
    private sealed class RandomBatches : IBatchSource
    {
        private readonly RunConfiguration _run;
        private readonly int[] _tokens;

        public RandomBatches(RunConfiguration run, int rank)
        {
            _run = run;
            var random = new Random(rank);
            _tokens = [.. Enumerable.Range(0, (run.MicroBatchSize * run.Data.SequenceLength) + 1).Select(_ => random.Next(run.Model.VocabularySize))];
        }

        public int Rows => _run.MicroBatchSize;

        public int SequenceLength => _run.Data.SequenceLength;

        public long FirstSample(int microBatch) => 0;

        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            _tokens.AsSpan(0, inputs.Length).CopyTo(inputs);
            _tokens.AsSpan(1, targets.Length).CopyTo(targets);
        }
    }
}

/// <summary>A planned step beside the measured one.</summary>
/// <param name="Name">The case.</param>
/// <param name="Planned">The prediction.</param>
/// <param name="MeasuredSeconds">The median over the counted steps.</param>
/// <param name="MeasuredKernels">Seconds of a step in each kernel, the mean over the counted steps on rank 0; as <see cref="StepPrediction.KernelSeconds"/>.</param>
public sealed record PlanLine(string Name, StepPrediction Planned, double MeasuredSeconds, IReadOnlyDictionary<string, double> MeasuredKernels)
{
    /// <summary>Planned over measured seconds, minus 1.</summary>
    public double Error => (Planned.StepSeconds / MeasuredSeconds) - 1;
}
