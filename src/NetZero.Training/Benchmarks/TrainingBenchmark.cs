using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Times training steps on synthetic tokens.</summary>
public static class TrainingBenchmark
{
    /// <summary>Steps before counting: compilation, first use of memory and optimizer state.</summary>
    public const int WarmupSteps = 3;

    /// <summary>Runs it.</summary>
    /// <param name="options">What to run.</param>
    /// <param name="onStep">Told each step's number (negative while warming up) and seconds on rank 0; null for nobody.</param>
    /// <param name="cancellation">Ends all ranks.</param>
    public static async Task<TrainingBenchmarkResult> RunAsync(
        TrainingBenchmarkOptions options, Action<int, double>? onStep = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var threads = options.Ranks * options.ThreadsPerRank;
        double before = 0;
        var meter = new Meter(options);
        await World.RunAsync(
            options.Ranks,
            async rank =>
            {
                var precision = TrainingBenchmarkOptions.Precisions[options.Precision];
                var sharded = FullyShard.Apply(Model(options), rank, ShardingPolicy.ForStage(options.Stage), new ShardingOptions
                {
                    MixedPrecision = precision,
                    LossScaler = precision.ParameterDType == DType.F16 ? new LossScalerOptions() : null,
                });
                var (shape, clipped) = (options.Shape, new TrainingLoopOptions { GradientClipping = 1 });
                var batches = new SyntheticBatches(shape.MicroBatchSize, shape.SequenceLength, shape.Model.VocabularySize, rank.Rank);
                var loop = new TrainingLoop(sharded, new AdamW(sharded), batches, clipped);
                loop.Step(0, rank.Cancellation);
                if (rank.Rank == 0)
                {
                    meter.FirstStepSeconds = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;

                    // After the first step, so that it does not delay it; the other ranks wait in their next collective.
                    before = FmaPeak.MeasureGflops(threads);
                }

                rank.Group.Barrier("peak measured");
                for (var step = 1; step < WarmupSteps; step++)
                    Report(onStep, rank, step - WarmupSteps, loop.Step(step, rank.Cancellation));
                meter.Begin(rank);
                for (var step = 0; step < options.Steps; step++)
                {
                    var result = loop.Step(WarmupSteps + step, rank.Cancellation);
                    if (rank.Rank == 0)
                        meter.Seconds[step] = result.Seconds;
                    Report(onStep, rank, step, result);
                }

                meter.End(rank);
                await Task.CompletedTask;
            },
            new WorldOptions { Tensors = new TensorContextOptions { Threads = options.ThreadsPerRank } },
            cancellation).ConfigureAwait(false);
        return meter.Result((before + FmaPeak.MeasureGflops(threads)) / 2);
    }

    private static Gpt2 Model(TrainingBenchmarkOptions options)
    {
        var model = new Gpt2(options.Shape.Model);
        if (options.LoraRank > 0)
            Lora.Apply(model, new LoraOptions { Rank = options.LoraRank, TargetModules = new LoraConfiguration().TargetModules });
        return model;
    }

    private static void Report(Action<int, double>? onStep, RankContext rank, int step, StepResult result)
    {
        if (rank.Rank == 0)
            onStep?.Invoke(step, result.Seconds);
    }

    private sealed class Meter(TrainingBenchmarkOptions options)
    {
        private readonly long[] _systemAllocations = new long[options.Ranks];
        private readonly long[] _managedBytes = new long[options.Ranks];
        private readonly long[] _peakBytes = new long[options.Ranks];
        private int _gen2;

        public double[] Seconds { get; } = new double[options.Steps];

        public double FirstStepSeconds { get; set; }

        public void Begin(RankContext rank)
        {
            _systemAllocations[rank.Rank] = rank.Tensors.SystemAllocations;
            _managedBytes[rank.Rank] = GC.GetAllocatedBytesForCurrentThread();
            if (rank.Rank == 0)
                _gen2 = GC.CollectionCount(2);
        }

        public void End(RankContext rank)
        {
            _systemAllocations[rank.Rank] = rank.Tensors.SystemAllocations - _systemAllocations[rank.Rank];
            _managedBytes[rank.Rank] = GC.GetAllocatedBytesForCurrentThread() - _managedBytes[rank.Rank];
            _peakBytes[rank.Rank] = rank.Tensors.Ledger.PeakBytes;
            if (rank.Rank == 0)
                _gen2 = GC.CollectionCount(2) - _gen2;
        }

        public TrainingBenchmarkResult Result(double peakGflops)
        {
            var shape = options.Shape;
            var sorted = Seconds.Order().ToArray();
            var median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
            var tokensPerSecond = options.Ranks * shape.MicroBatchSize * shape.SequenceLength / median;
            return new TrainingBenchmarkResult(
                tokensPerSecond, tokensPerSecond * shape.FlopsPerToken / 1e9, peakGflops, _peakBytes.Max(), FirstStepSeconds,
                _systemAllocations.Sum(), _managedBytes.Max() / (double)options.Steps, _gen2);
        }
    }
}
