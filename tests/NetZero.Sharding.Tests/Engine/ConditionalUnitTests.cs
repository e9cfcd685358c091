using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Experts: each rank runs the one that its input is for, and all train as if each had run everywhere with what came its way.</summary>
public class ConditionalUnitTests
{
    // Expert e gets the inputs of ranks r with r mod 2 = e. W starts at zero and d loss / d W of an input x is (-x / 2, x / 2); the mean is over all ranks, those that
    // left the expert out count zero.
    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    [InlineData(8, 2)]
    [InlineData(8, 3)]
    public void Experts_ThatOnlySomeRanksRun_MoveByTheMeanOverAllRanks(int ranks, int stage)
    {
        var weights = Ranks.Run(ranks, rank =>
        {
            var model = new Mixture();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
            using (sharded.BeginStep())
            {
                model.Loss(rank.Tensors.From<float>([rank.Rank + 1], [1, 1]), rank.Rank % 2).Backward();
                new Sgd(sharded, new SgdOptions { LearningRate = 1 }).Step();
            }

            var found = new Dictionary<string, float>();
            sharded.VisitParameters((name, value) => found[name] = value.ToArray<float>()[0], everyRank: true);
            return found;
        });
        for (var expert = 0; expert < 2; expert++)
        {
            // Ranks and inputs are small whole numbers and the ranks a power of two: exact.
            var sum = Enumerable.Range(0, ranks).Where(r => r % 2 == expert).Sum(r => r + 1);
            Assert.All(weights, w => Assert.Equal(sum / 2f / ranks, w[$"expert.{expert}.weight"]));
        }

        Assert.All(weights, w => Assert.Equal(0, w["expert.2.weight"]));
    }

    [Fact]
    public void ExpertsOutOfTheirOrder_AreAnErrorThatNamesThem() => Ranks.Run(1, rank =>
    {
        var model = new Mixture();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
        using var step = sharded.BeginStep();
        var error = Assert.Throws<InvalidOperationException>(() => model.Loss(rank.Tensors.From<float>([1], [1, 1]), 1, 0));
        Assert.StartsWith("The program reached Forward of unit 'expert.0' where the schedule declares", error.Message, StringComparison.Ordinal);
        Assert.Contains("one that may be left out is registered as conditional", error.Message, StringComparison.Ordinal);
    });

    private sealed class Mixture : Module
    {
        private readonly Linear[] _experts;

        public Mixture() => _experts =
            [.. Enumerable.Range(0, 3).Select(i => AddUnit($"expert.{i}", new Linear(1, 2, bias: false, initializer: Initializer.Zeros), conditional: true))];

        public Tensor Loss(Tensor x, params int[] experts)
        {
            using var call = Enter(x.Context);
            var y = experts.Select(e => _experts[e].Call(x)).Aggregate((a, b) => a + b);
            return call.Return(y.CrossEntropy(x.Context.From<int>([0], [1])));
        }
    }
}
