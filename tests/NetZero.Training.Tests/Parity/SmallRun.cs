using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training.Tests.Parity;

/// <summary>A small training run over ranks as threads, entirely in memory.</summary>
internal sealed record SmallRun
{
    public required Gpt2Config Model { get; init; }

    public required byte[] Text { get; init; }

    public int Ranks { get; init; } = 1;

    public int Steps { get; init; } = 3;

    public int SequenceLength { get; init; }

    public int MicroBatchSize { get; init; } = 1;

    public int AccumulationSteps { get; init; } = 1;

    public double Clip { get; init; } = 1;

    public AdamWOptions Optimizer { get; init; } = new() { Beta2 = 0.95, WeightDecay = 0.1 };

    public ShardingPolicy Policy { get; init; } = ShardingPolicy.Zero3;

    public int ThreadsPerRank { get; init; } = 1;

    public Func<IParameterSource>? Source { get; init; }

    public Func<RankContext, ShardedModule, IScheduleObserver?>? Observe { get; init; }

    /// <summary>What carries the ranks; threads of this process unless set.</summary>
    public Func<int, Func<RankContext, Task>, WorldOptions, Task> Start { get; init; } = (ranks, program, options) => World.RunAsync(ranks, program, options);

    public async Task<Outcome> RunAsync()
    {
        var ranks = new RankOutcome[Ranks];
        var weights = new Dictionary<string, float[]>();
        var ledgers = new MemoryLedger?[Ranks];
        await Start(
            Ranks,
            rank =>
            {
                ledgers[rank.Rank] = rank.Tensors.Ledger;
                var module = FullyShard.Apply(
                    new Gpt2(Model), rank, Policy, new ShardingOptions { GradientAccumulationSteps = AccumulationSteps, Source = Source?.Invoke() });
                module.Observer = Observe?.Invoke(rank, module);
                var data = new UnshuffledBatches(Text, rank, this);
                var loop = new TrainingLoop(module, new AdamW(module, Optimizer), data, new TrainingLoopOptions { GradientClipping = Clip });
                rank.Group.Recorder.Clear();
                var steps = Enumerable.Range(0, Steps).Select(step => loop.Step(step)).ToArray();
                ranks[rank.Rank] = new RankOutcome(
                    steps, rank.Tensors.Ledger.PeakSnapshot(), rank.Tensors.Ledger.PeakBytes, loop.SteadyBytes,
                    rank.Group.Recorder.TotalWireBytes, [.. rank.Group.Recorder.Calls], module);
                CheckNothingButResidentState(rank.Tensors.Ledger, module);
                module.VisitParameters((name, value) => weights[name] = value.ToArray<float>());
                return Task.CompletedTask;
            },
            new WorldOptions { Timeout = TimeSpan.FromSeconds(30), Tensors = new TensorContextOptions { Threads = ThreadsPerRank } });

        // Ranks that are other processes look after their own.
        for (var rank = 0; rank < Ranks; rank++)
        {
            if (ledgers[rank] is { } ledger)
                Testing.Ranks.CheckEmpty(ledger, rank);
        }

        return new Outcome(ranks, weights);
    }

    // After a step: the slices (or wholes) of parameters and moments; the clip factor, the norm, and both numbers that the loop reads.
    private static void CheckNothingButResidentState(MemoryLedger ledger, ShardedModule module)
    {
        foreach (var kind in (MemoryKind[])[MemoryKind.Gathered, MemoryKind.Gradient, MemoryKind.Activation, MemoryKind.Communication])
            Assert.True(ledger.Live(kind) == 0, $"{ledger.Live(kind)} bytes of {kind} outlived the last step");
        Assert.InRange(ledger.Live(MemoryKind.Workspace), 0, 3 * MemoryLedger.GranuleBytes);
        var alone = module.Group.Size == 1;
        Assert.Equal(module.Units.Sum(u => module.Policy.ShardsParameters && !alone ? u.ShardElements : u.PaddedElements) * 4, ledger.Live(MemoryKind.Parameter));
        Assert.Equal(module.Units.Sum(u => module.Policy.ShardsOptimizer && !alone ? u.ShardElements : u.PaddedElements) * 8, ledger.Live(MemoryKind.Optimizer));
    }

    /// <summary>What a run left: steps as rank 0 saw them, and the final weights.</summary>
    public sealed record Outcome(RankOutcome[] Ranks, IReadOnlyDictionary<string, float[]> Weights)
    {
        public StepResult[] Steps => Ranks[0].Steps;

        /// <summary>Losses, norms and weights agree bit for bit.</summary>
        public void AssertSameBits(Outcome other, string what)
        {
            for (var i = 0; i < Steps.Length; i++)
            {
                Assert.True(Steps[i].Loss.Equals(other.Steps[i].Loss), $"{what}: loss of step {i} is {Steps[i].Loss:R} and {other.Steps[i].Loss:R}");
                Assert.True(Steps[i].GradientNorm.Equals(other.Steps[i].GradientNorm), $"{what}: norm of step {i} is {Steps[i].GradientNorm:R} and {other.Steps[i].GradientNorm:R}");
            }

            Assert.Equal(Weights.Keys.Order(), other.Weights.Keys.Order());
            foreach (var (name, values) in Weights)
                Assert.True(values.AsSpan().SequenceEqual(other.Weights[name]), $"{what}: final values of {name} differ");
        }
    }

    public sealed record RankOutcome(
        StepResult[] Steps, long[] PeakBytes, long TotalPeakBytes, long[] SteadyBytes, long WireBytes, RecordedCall[] Calls, ShardedModule Module);

    /// <summary>Sample i is bytes [i T, i T + T], in order; rank r takes the r-th contiguous part of the global batch.</summary>
    internal sealed class UnshuffledBatches(byte[] text, RankContext rank, SmallRun run) : IBatchSource
    {
        public int Rows => run.MicroBatchSize;

        public int SequenceLength => run.SequenceLength;

        public long FirstSample(int microBatch) => ((rank.Rank * (long)run.AccumulationSteps) + microBatch) * Rows;

        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            var samples = (text.Length - 1) / SequenceLength;
            var first = (step * rank.WorldSize * run.AccumulationSteps * Rows) + FirstSample(microBatch);
            for (var row = 0; row < Rows; row++)
            {
                var start = (int)((first + row) % samples) * SequenceLength;
                for (var t = 0; t < SequenceLength; t++)
                {
                    inputs[(row * SequenceLength) + t] = text[start + t] % run.Model.VocabularySize;
                    targets[(row * SequenceLength) + t] = text[start + t + 1] % run.Model.VocabularySize;
                }
            }
        }
    }
}
