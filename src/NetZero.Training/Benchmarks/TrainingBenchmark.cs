using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>A fixed piece of training work, the same as the scripts for other frameworks run.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Model">The model.</param>
/// <param name="SequenceLength">Tokens of a row.</param>
/// <param name="MicroBatchSize">Rows per rank and step.</param>
public sealed record BenchmarkShape(string Name, Gpt2Config Model, int SequenceLength, int MicroBatchSize)
{
    /// <summary>The shapes there are.</summary>
    public static IReadOnlyList<BenchmarkShape> All { get; } =
    [
        new("small", new Gpt2Config { LayerCount = 6, HeadCount = 6, EmbeddingSize = 384, PositionCount = 256, VocabularySize = 256 }, 256, 12),
        new("gpt2", new Gpt2Config { LayerCount = 12, HeadCount = 12, EmbeddingSize = 768, PositionCount = 256, VocabularySize = 50257 }, 256, 2),
    ];

    /// <summary>FLOPs of one token, forward and backward: 6 N + 12 L C T, N without position embeddings (PaLM, appendix B, full attention).</summary>
    public double FlopsPerToken =>
        TrainingFlops.PerToken(
            new Gpt2(Model).ParameterCount() - ((long)Model.PositionCount * Model.EmbeddingSize), Model.LayerCount, Model.EmbeddingSize, SequenceLength);
}

/// <summary>How a <see cref="TrainingBenchmark"/> runs.</summary>
public sealed record TrainingBenchmarkOptions
{
    /// <summary>The work.</summary>
    public required BenchmarkShape Shape { get; init; }

    /// <summary>Ranks as threads.</summary>
    public int Ranks { get; init; } = 2;

    /// <summary>The ZeRO stage.</summary>
    public int Stage { get; init; } = 3;

    /// <summary>Threads of each rank.</summary>
    public int ThreadsPerRank { get; init; } = 1;

    /// <summary>Steps that count, after the warm-up.</summary>
    public int Steps { get; init; } = 10;
}

/// <summary>What a <see cref="TrainingBenchmark"/> measured.</summary>
/// <param name="TokensPerSecond">The median over the counted steps, all ranks together.</param>
/// <param name="Gflops">Billions of model FLOPs a second, from the median.</param>
/// <param name="FmaPeakGflops">The machine's fp32 peak on as many threads, the median of what was measured just before and just after.</param>
/// <param name="PeakBytes">The most tensor memory of any rank.</param>
/// <param name="FirstStepSeconds">From the start of the process to the end of the first step.</param>
/// <param name="SteadySystemAllocations">How often the counted steps asked the system for native memory, all ranks together.</param>
/// <param name="ManagedBytesPerStep">Managed memory allocated per rank and counted step.</param>
/// <param name="Gen2Collections">Collections of the oldest generation during the counted steps.</param>
public sealed record TrainingBenchmarkResult(
    double TokensPerSecond, double Gflops, double FmaPeakGflops, long PeakBytes, double FirstStepSeconds,
    long SteadySystemAllocations, double ManagedBytesPerStep, int Gen2Collections)
{
    /// <summary>The share of the machine's peak.</summary>
    public double FmaPeakShare => Gflops / FmaPeakGflops;
}

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
                var sharded = FullyShard.Apply(new Gpt2(options.Shape.Model), rank, ShardingPolicy.ForStage(options.Stage));
                var loop = new TrainingLoop(sharded, new AdamW(sharded), new SyntheticBatches(options.Shape, rank.Rank), new TrainingLoopOptions { GradientClipping = 1 });
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

    private static void Report(Action<int, double>? onStep, RankContext rank, int step, StepResult result)
    {
        if (rank.Rank == 0)
            onStep?.Invoke(step, result.Seconds);
    }

    private sealed class SyntheticBatches(BenchmarkShape shape, int rank) : IBatchSource
    {
        public int Rows => shape.MicroBatchSize;

        public int SequenceLength => shape.SequenceLength;

        public long FirstSample(int microBatch) => (long)rank * Rows;

        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            var random = new Random(HashCode.Combine(rank, step));
            foreach (ref var token in inputs)
                token = random.Next(shape.Model.VocabularySize);
            foreach (ref var token in targets)
                token = random.Next(shape.Model.VocabularySize);
        }
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
