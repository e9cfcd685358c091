using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Losses that come from the middle of a model or are computed outside it, and blocks that are run by themselves.</summary>
public class NonRootTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    public void LossFromTheMiddle_TrainsWhatLeadsToIt_AndLeavesTheRest(int ranks, int stage)
    {
        var expected = Train(ranks, 0);
        foreach (var found in Train(ranks, stage))
        {
            Assert.Equal(expected[0].After.Keys, found.After.Keys);
            foreach (var (name, values) in found.After)
            {
                Assert.Equal(expected[0].After[name], values);
                Assert.Equal(!name.StartsWith("blocks.0", StringComparison.Ordinal), values.SequenceEqual(found.Before[name]));
            }

            Assert.Equal(
                found.Module.TrainingSchedule.Collectives().Select(c => (c.Operation, c.Label)),
                found.Calls.Select(c => (c.Operation, c.Unit)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void LossOutsideTheModel_HasTheBitsOfOneInside(int ranks)
    {
        for (var stage = 0; stage <= 3; stage++)
            foreach (var accumulation in (int[])[1, 2])
            {
                ToyRun Run(bool outside) => new()
                {
                    Model = () => new ToyModel { LossOutside = outside },
                    Ranks = ranks,
                    Steps = 3,
                    GlobalRows = 2 * ranks * accumulation,
                    AccumulationSteps = accumulation,
                    Policy = ShardingPolicy.ForStage(stage),
                    RecordsAllCalls = true,
                };
                var (found, expected) = (Run(outside: true).Run(), Run(outside: false).Run());
                found.AssertSameBits(expected);
                Assert.Contains(found.After[0], weights => !weights.Value.SequenceEqual(found.Before[weights.Key]));
                Assert.Equal(expected.Traces[0].Calls.Select(c => (c.Operation, c.Unit)), found.Traces[0].Calls.Select(c => (c.Operation, c.Unit)));
            }
    }

    // What is not declared cannot be gathered in the same order everywhere.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void BlockRunByItself_IsRefusedByName_AndTheNextStepWorks(int ranks) => Ranks.Run(ranks, rank =>
    {
        var model = new Middle();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.1 });
        using (sharded.BeginStep())
        {
            model.Loss(Inputs(rank));
            var error = Assert.Throws<InvalidOperationException>(() => model.First.Call(Inputs(rank)));
            Assert.StartsWith("The program reached Forward of unit 'blocks.0' where the schedule declares Backward of unit 'root'", error.Message, StringComparison.Ordinal);
        }

        using var step = sharded.BeginStep();
        step.Backward(model.Loss(Inputs(rank)));
        Assert.True(sharded.GradientNorm().Item() > 0);
        optimizer.Step();
    });

    private static (Dictionary<string, float[]> Before, Dictionary<string, float[]> After, RecordedCall[] Calls, ShardedModule Module)[] Train(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var model = new Middle();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
        var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 0.1 });
        var before = Weights(sharded);
        rank.Group.Recorder.Clear();
        using (var step = sharded.BeginStep())
        {
            step.Backward(model.Loss(Inputs(rank)));
            optimizer.Step();
        }

        RecordedCall[] calls = [.. rank.Group.Recorder.Calls];
        return (before, Weights(sharded), calls, sharded);
    });

    private static Tensor Inputs(RankContext rank) => rank.Tensors.From<float>([.. Enumerable.Range(0, 30).Select(i => MathF.Sin(i + rank.Rank))], [2, 15]);

    private static Dictionary<string, float[]> Weights(ShardedModule module)
    {
        var weights = new Dictionary<string, float[]>();
        module.VisitParameters((name, value) => weights[name] = value.ToArray<float>(), everyRank: true);
        return weights;
    }

    /// <summary>Two blocks and a head, of which the loss needs the first block alone.</summary>
    private sealed class Middle : Module
    {
        private readonly Linear _second;
        private readonly Linear _head;

        public Middle()
        {
            First = AddUnit("blocks.0", new Linear(15, 15));
            _second = AddUnit("blocks.1", new Linear(15, 15));
            _head = AddChild("head", new Linear(15, 3));
        }

        public Linear First { get; }

        public Tensor Loss(Tensor x)
        {
            using var call = Enter(x.Context);
            var y = First.Call(x);
            _head.Call(_second.Call(y));
            return call.Return((y * y).Sum());
        }
    }
}
