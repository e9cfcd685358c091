using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>What FSDP2's tests assert of their transformer (2 layers, vocabulary 8, sequences of 16, width 16, 4 heads, tied weights, dropout 0.1; Adam of rate 1e-2).</summary>
public class TestTransformerTests
{
    private const int Iterations = 10, Blocks = 2;

    private static readonly Gpt2Config Model = new() { LayerCount = Blocks, HeadCount = 4, EmbeddingSize = 16, PositionCount = 16, VocabularySize = 8, Dropout = 0.1f };

    private static readonly Dictionary<string, ShardingPolicy> Policies = new()
    {
        ["zero1"] = ShardingPolicy.Zero1,
        ["zero2"] = ShardingPolicy.Zero2,
        ["zero3"] = ShardingPolicy.Zero3,
        ["kept"] = new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.No },
        ["everything reshards"] = new ShardingPolicy { Overrides = [new UnitOverride("root") { ReshardAfterForward = ReshardAfterForward.Yes }] },
        ["far ahead"] = new ShardingPolicy { Prefetch = new PrefetchDepth(2, 2) },
    };

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var policy in Policies.Keys)
                foreach (var ranks in (int[])[2, 3, 7, 8, 9])
                    data.Add(policy, ranks);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void TenIterations_HaveTheBitsOfDataParallel(string policy, int ranks) =>
        AssertSame(Train(ranks, ShardingPolicy.DataParallel), Train(ranks, Policies[policy]));

    // FSDP2 sleeps for 100 ms after forward, before a gather, before a reduction and before the update, on one rank.
    [Theory]
    [InlineData(ScheduleEventKind.ForwardEnd, true)]
    [InlineData(ScheduleEventKind.AllGather, false)]
    [InlineData(ScheduleEventKind.ReduceScatter, false)]
    [InlineData(ScheduleEventKind.Update, false)]
    public void ARankLateBy100Milliseconds_ChangesNoBit(ScheduleEventKind kind, bool after) =>
        AssertSame(Train(2, ShardingPolicy.DataParallel), Train(2, ShardingPolicy.Zero3, observe: rank => rank.Rank == 1 ? new Late(kind, after) : null));

    // Three micro-batches, five iterations; see the counts of the schedule in PolicyScheduleTests.
    [Theory]
    [InlineData(GradientReduction.EachMicroBatch, false, 3 * ((2 * Blocks) + 1), 3 * (Blocks + 1))]
    [InlineData(GradientReduction.LastMicroBatch, false, 3 * ((2 * Blocks) + 1), Blocks + 1)]
    [InlineData(GradientReduction.EachMicroBatch, true, Blocks + 1 + (3 * Blocks), 3 * (Blocks + 1))]
    [InlineData(GradientReduction.LastMicroBatch, true, Blocks + 1 + (3 * Blocks), Blocks + 1)]
    public void Accumulation_MakesTheCollectivesOfItsMode_InEachIteration(GradientReduction reduction, bool keeps, int gathers, int reductions)
    {
        const int iterations = 5;
        var policy = new ShardingPolicy { Reduction = reduction, KeepGathered = keeps };
        var found = Train(2, policy, microBatches: 3, iterations: iterations);
        var calls = found.Calls;
        AssertSame(Train(2, new ShardingPolicy { Stage = 0, Reduction = reduction }, microBatches: 3, iterations: iterations), found);
        Assert.Equal(iterations * gathers, calls.Count(c => c.Operation == CollectiveOperation.AllGather));
        Assert.Equal(iterations * reductions, calls.Count(c => c.Operation == CollectiveOperation.ReduceScatter));
        Assert.Equal(iterations * (gathers + reductions), calls.Length);
    }

    private static void AssertSame(Trained expected, Trained found)
    {
        Assert.Equal(expected.Losses, found.Losses);
        foreach (var weights in expected.Weights.Concat(found.Weights))
        {
            Assert.Equal(expected.Weights[0].Keys, weights.Keys);
            foreach (var (name, values) in weights)
                Assert.Equal(expected.Weights[0][name], values);
        }

        Assert.True(expected.Losses[0][0] > expected.Losses[0][^1], "the model must learn for the test to mean something");
    }

    private static Trained Train(
        int ranks, ShardingPolicy policy, int microBatches = 1, int iterations = Iterations, Func<RankContext, IScheduleObserver?>? observe = null)
    {
        var calls = new RecordedCall[ranks][];
        var weights = new Dictionary<string, float[]>[ranks];
        var losses = Ranks.Run(ranks, rank =>
        {
            var model = new Gpt2(Model);
            var sharded = FullyShard.Apply(model, rank, policy, new ShardingOptions { GradientAccumulationSteps = microBatches });
            sharded.Observer = observe?.Invoke(rank);
            var optimizer = new AdamW(sharded, new AdamWOptions { LearningRate = 1e-2, WeightDecay = 0 });
            rank.Group.Recorder.Clear();
            rank.Group.Recorder.Capacity = int.MaxValue;
            var found = new List<float>();
            for (var i = 0; i < iterations; i++)
            {
                using var step = sharded.BeginStep();
                for (var micro = 0; micro < microBatches; micro++)
                {
                    using var scope = step.BeginMicroBatch();
                    int[] tokens = [.. Enumerable.Range(0, 17).Select(t => (t + rank.Rank + micro) * 3 % 8)];
                    var loss = model.Loss(rank.Tensors.From<int>(tokens[..16], [1, 16]), rank.Tensors.From<int>(tokens[1..], [1, 16]));
                    found.Add(loss.Item());
                    step.Backward(loss);
                }

                optimizer.Step();
            }

            calls[rank.Rank] = [.. rank.Group.Recorder.Calls];
            var own = weights[rank.Rank] = [];
            sharded.VisitParameters((name, value) => own[name] = value.ToArray<float>(), everyRank: true);
            return found.ToArray();
        });
        return new Trained(losses, weights, calls[0]);
    }

    /// <summary>Losses and weights as each rank sees them, and the calls of rank 0.</summary>
    private sealed record Trained(float[][] Losses, Dictionary<string, float[]>[] Weights, RecordedCall[] Calls);

    /// <summary>Sleeps before or after the first event of a kind in each step.</summary>
    private sealed class Late(ScheduleEventKind kind, bool after) : IScheduleObserver
    {
        private bool _slept;

        public void OnStarting(in ScheduleEvent scheduled, string unit) => Sleep(scheduled.Kind, !after);

        public void OnEvent(in ScheduleRecord record)
        {
            Sleep(record.Event.Kind, after);
            if (record.Event.Kind == ScheduleEventKind.Update)
                _slept = false;
        }

        private void Sleep(ScheduleEventKind now, bool here)
        {
            if (now != kind || !here || _slept)
                return;
            _slept = true;
            Thread.Sleep(100);
        }
    }
}
