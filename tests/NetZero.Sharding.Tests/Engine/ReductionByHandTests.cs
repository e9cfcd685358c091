using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>One step whose numbers are computed by hand: what is averaged, over what, and who sees it.</summary>
/// <remarks>
/// W is [2, 1] and starts at zero, the target is always 0. Both logits are 0, so the probabilities are 1/2, d loss / d logits is (-1/2, 1/2), and an input x has the
/// gradient (-x/2, x/2). After one step of rate 1 W is (mean x / 2, -mean x / 2): a sum in place of the mean, a missing reduction or a rank's own data in place of
/// everybody's give other numbers.
/// </remarks>
public class ReductionByHandTests
{
    public static TheoryData<int, int, int, GradientReduction> Cases
    {
        get
        {
            var data = new TheoryData<int, int, int, GradientReduction>();
            for (var ranks = 1; ranks <= 9; ranks++)
                for (var stage = 0; stage <= 3; stage++)
                {
                    data.Add(ranks, stage, 1, GradientReduction.EachMicroBatch);
                    data.Add(ranks, stage, 4, GradientReduction.EachMicroBatch);
                    data.Add(ranks, stage, 4, GradientReduction.LastMicroBatch);
                }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_MovesTheWeightByTheMeanOverRanksAndMicroBatches(int ranks, int stage, int microBatches, GradientReduction reduction)
    {
        // Rank r's micro-batch m has the input 1 + r + 10 m.
        var mean = Enumerable.Range(0, ranks).SelectMany(r => Enumerable.Range(0, microBatches).Select(m => 1 + r + (10.0 * m))).Average();
        var weights = Ranks.Run(ranks, rank =>
        {
            var model = new OneWeight();
            var sharded = FullyShard.Apply(
                model, rank, new ShardingPolicy { Stage = stage, Reduction = reduction }, new ShardingOptions { GradientAccumulationSteps = microBatches });
            var optimizer = new Sgd(sharded, new SgdOptions { LearningRate = 1 });
            using (var step = sharded.BeginStep())
            {
                for (var micro = 0; micro < microBatches; micro++)
                    step.Backward(model.Loss(rank.Tensors.From<float>([1 + rank.Rank + (10 * micro)], [1, 1])));

                // The norm of (-mean / 2, mean / 2), the same on every rank.
                Assert.Equal(mean / Math.Sqrt(2), sharded.GradientNorm().Item(), mean * 8 * Math.Pow(2, -24));
                optimizer.Step();
            }

            float[] found = [];
            sharded.VisitParameters((_, value) => found = value.ToArray<float>(), everyRank: true);
            return found;
        });

        // The inputs and the sums over ranks are exact; 1/3, 1/5 and the like are rounded, their products, the sums over micro-batches and the softmax too: 8 roundings.
        Assert.All(weights, w =>
        {
            Assert.Equal(mean / 2, w[0], mean / 2 * 8 * Math.Pow(2, -24));
            Assert.Equal(-mean / 2, w[1], mean / 2 * 8 * Math.Pow(2, -24));
        });
        Assert.All(weights, w => Assert.Equal(weights[0], w));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void ParameterThatOneRankDoesNotUse_CountsAsZeroThere(int stage)
    {
        var weights = Ranks.Run(2, rank =>
        {
            var model = new Optional();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
            using (sharded.BeginStep())
            {
                model.Loss(rank.Tensors.From<float>([1], [1, 1]), usesSecond: rank.Rank == 0).Backward();
                new Sgd(sharded, new SgdOptions { LearningRate = 1 }).Step();
            }

            var found = new Dictionary<string, float[]>();
            sharded.VisitParameters((name, value) => found[name] = value.ToArray<float>(), everyRank: true);
            return found;
        });

        Assert.All(weights, w =>
        {
            Assert.Equal([0.5f, -0.5f], w["unit.first.weight"]);
            Assert.Equal([0.25f, -0.25f], w["unit.second.weight"]);
            Assert.Equal([3, 3], w["unit.unused.weight"]);
        });
    }

    private sealed class Optional : Module
    {
        private readonly Unit _unit;

        public Optional() => _unit = AddUnit("unit", new Unit());

        public Tensor Loss(Tensor x, bool usesSecond)
        {
            using var call = Enter(x.Context);
            _unit.UsesSecond = usesSecond;
            return call.Return(_unit.Call(x).CrossEntropy(x.Context.From<int>([0], [1])));
        }

        private sealed class Unit : Layer
        {
            private readonly Linear _first;
            private readonly Linear _second;

            public Unit()
            {
                _first = AddChild("first", new Linear(1, 2, bias: false, initializer: Initializer.Zeros));
                _second = AddChild("second", new Linear(1, 2, bias: false, initializer: Initializer.Zeros));
                AddChild("unused", new Linear(1, 2, bias: false, initializer: new Threes()));
            }

            public bool UsesSecond { get; set; }

            protected override Tensor Forward(Tensor x) => UsesSecond ? _first.Call(x) + _second.Call(x) : _first.Call(x);
        }

        private sealed record Threes : Initializer
        {
            public override void Fill(long seed, string name, long first, Span<float> destination) => destination.Fill(3);
        }
    }
}
