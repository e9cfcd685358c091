using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Testing;

namespace NetZero.Training.Tests.Parity;

/// <summary>At one world size every stage gives the same bits.</summary>
public class StagesAgreeTests
{
    private static readonly byte[] Text = [.. Enumerable.Range(0, 4000).Select(i => (byte)(((i * i) + (i / 7)) % 251))];

    // Nothing divides anything: 3 heads of 5, 37 tokens, 11 positions.
    private static readonly Gpt2Config Uneven = new()
    {
        LayerCount = 3,
        HeadCount = 3,
        EmbeddingSize = 15,
        PositionCount = 11,
        VocabularySize = 37,
        Dropout = 0.1f,
    };

    public static TheoryData<int, int, GradientReduction> Cases
    {
        get
        {
            var data = new TheoryData<int, int, GradientReduction>();
            foreach (var ranks in (int[])[2, 3, 4, 5])
            {
                data.Add(ranks, 1, GradientReduction.EachMicroBatch);
                data.Add(ranks, 3, GradientReduction.EachMicroBatch);
                data.Add(ranks, 3, GradientReduction.LastMicroBatch);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task AllStages_UnevenModelWithClippingAndDropout_GiveTheSameBits(int ranks, int accumulation, GradientReduction reduction)
    {
        SmallRun.Outcome? first = null;
        for (var stage = 0; stage <= 3; stage++)
        {
            var outcome = await Run(ranks, accumulation, reduction, stage).RunAsync();
            Assert.All(outcome.Steps, s => Assert.True(s.GradientNorm > 0.1, "clipping must be active for the test to mean something"));
            if (first is null)
                first = outcome;
            else
                first.AssertSameBits(outcome, $"stage 0 and stage {stage}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task SharedMemory_EveryStage_GivesTheBitsOfThreads(int ranks)
    {
        for (var stage = 0; stage <= 3; stage++)
        {
            var run = Run(ranks, 2, GradientReduction.EachMicroBatch, stage);
            var threads = await run.RunAsync();
            var shared = await (run with { Start = SharedRanks.RunAsync }).RunAsync();
            threads.AssertSameBits(shared, $"threads and shared memory at stage {stage}");
            Assert.Equal(threads.Ranks[0].PeakBytes, shared.Ranks[0].PeakBytes);
        }
    }

    [Fact]
    public async Task Threads_AnyNumberPerRank_GiveTheSameBits()
    {
        var one = await Run(2, 1, GradientReduction.EachMicroBatch, 3).RunAsync();
        var three = await (Run(2, 1, GradientReduction.EachMicroBatch, 3) with { ThreadsPerRank = 3 }).RunAsync();
        one.AssertSameBits(three, "1 and 3 threads per rank");
    }

    internal static SmallRun Run(int ranks, int accumulation, GradientReduction reduction, int stage) => new()
    {
        Model = Uneven,
        Text = Text,
        Ranks = ranks,
        Steps = 4,
        SequenceLength = 11,
        MicroBatchSize = 2,
        AccumulationSteps = accumulation,
        Clip = 0.1,
        Policy = new ShardingPolicy { Stage = stage, Reduction = reduction },
    };
}
