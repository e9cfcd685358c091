using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>What a training step takes once the first ones have warmed up. Alone, because the managed heap is that of the whole process.</summary>
[Collection(nameof(SteadyStepTests))]
[CollectionDefinition(nameof(SteadyStepTests), DisableParallelization = true)]
public class SteadyStepTests
{
    private const int Ranks = 2;
    private const int WarmupSteps = 3;
    private const int Steps = 20;

    private static readonly Gpt2Config Model = new() { LayerCount = 4, HeadCount = 4, EmbeddingSize = 64, PositionCount = 32, VocabularySize = 97, Dropout = 0.1f };

    // Blocks of more than 1 MiB are cached by their exact size, so one model has them: 512 tokens of 192 channels, four times that in the middle.
    [Theory]
    [InlineData(0, 1, 1, false)]
    [InlineData(2, 2, 1, false)]
    [InlineData(3, 1, 1, false)]
    [InlineData(3, 2, 2, false)]
    [InlineData(3, 1, 1, true)]
    public async Task SteadyStep_AsksTheSystemForNothing_AndTheManagedHeapForLessThanAKibibyteAnOp(int stage, int accumulation, int threads, bool large)
    {
        var model = large ? Model with { PositionCount = 512, EmbeddingSize = 192 } : Model;
        var (native, managed) = (new long[Ranks], new long[Ranks]);
        var counters = new OpCounter[Ranks];
        var gen2 = 0;
        long everywhere = 0;
        await World.RunAsync(
            Ranks,
            rank =>
            {
                var module = FullyShard.Apply(
                    new Gpt2(model), rank, ShardingPolicy.ForStage(stage), new ShardingOptions { GradientAccumulationSteps = accumulation });
                module.Observer = counters[rank.Rank] = new OpCounter(rank.Tensors.Tape);
                var loop = new TrainingLoop(module, new AdamW(module), new Counting(rank.Rank, model.PositionCount), new TrainingLoopOptions { GradientClipping = 1 });
                for (var step = 0; step < WarmupSteps; step++)
                    loop.Step(step);

                rank.Group.Barrier("warm");
                counters[rank.Rank].Clear();
                if (rank.Rank == 0)
                    (everywhere, gen2) = (GC.GetTotalAllocatedBytes(precise: true), GC.CollectionCount(2));
                (native[rank.Rank], managed[rank.Rank]) = (rank.Tensors.SystemAllocations, GC.GetAllocatedBytesForCurrentThread());
                for (var step = 0; step < Steps; step++)
                    loop.Step(WarmupSteps + step);
                managed[rank.Rank] = GC.GetAllocatedBytesForCurrentThread() - managed[rank.Rank];
                native[rank.Rank] = rank.Tensors.SystemAllocations - native[rank.Rank];
                rank.Group.Barrier("measured");
                if (rank.Rank == 0)
                    (everywhere, gen2) = (GC.GetTotalAllocatedBytes(precise: true) - everywhere, GC.CollectionCount(2) - gen2);
                return Task.CompletedTask;
            },
            new WorldOptions { Timeout = TimeSpan.FromSeconds(30), Tensors = new TensorContextOptions { Threads = threads } });

        Assert.Equal(0, gen2);
        Assert.All(native, count => Assert.Equal(0, count));

        // 12 ops a block (two norms, four linears, attention, GELU, two dropouts, two sums) and 8 around them (embedding, slice of the positions and its broadcast, sum, dropout,
        // norm, head, loss), forward and backward.
        var ops = 2L * ((12 * Model.LayerCount) + 8) * accumulation * Steps;
        Assert.All(counters, counter => Assert.Equal(ops, counter.Ops));
        Assert.All(managed, bytes => Assert.InRange(bytes / ops, 0, 1023));

        // Threads that help a rank take nothing either; the test host around it gets a mebibyte.
        Assert.InRange(everywhere, 0, (Ranks * ops * 1024) + (1 << 20));
    }

    /// <summary>Counts a step's ops: when the forward of the root ends, the tape holds one entry for each, and two boundaries for each unit.</summary>
    private sealed class OpCounter(Tape tape) : IScheduleObserver
    {
        public long Ops { get; private set; }

        public void Clear() => Ops = 0;

        public void OnEvent(in ScheduleRecord record)
        {
            if (record.Event is { Kind: ScheduleEventKind.ForwardEnd, Unit: 0 })
                Ops += 2 * (tape.Count - (2 * (Model.LayerCount + 1)));
        }
    }

    private sealed class Counting(int rank, int sequenceLength) : IBatchSource
    {
        public int Rows => 2;

        public int SequenceLength => sequenceLength;

        public long FirstSample(int microBatch) => rank * Rows;

        public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
        {
            for (var i = 0; i < inputs.Length; i++)
                (inputs[i], targets[i]) = ((int)(step + i + rank) % Model.VocabularySize, (int)(step + i + rank + 1) % Model.VocabularySize);
        }
    }
}
