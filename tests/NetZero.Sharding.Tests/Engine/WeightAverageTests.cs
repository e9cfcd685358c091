using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Averages of the weights beside the shards: what they are, what they cost, and that exchanging them twice changes nothing.</summary>
public class WeightAverageTests
{
    private const int Steps = 4;
    private const double Decay = 0.4;

    // One rank and stage 0 need no publishing; stages 1 and 2 gather whole values, as 16-bit copies too.
    [Theory]
    [InlineData(1, 0, false)]
    [InlineData(3, 0, false)]
    [InlineData(3, 1, false)]
    [InlineData(3, 2, true)]
    [InlineData(3, 3, false)]
    [InlineData(4, 3, true)]
    public void Averages_FollowTheFormula_AreExchangedOnAllRanks_AndCostOneShardEach(int ranks, int stage, bool half)
    {
        var options = new ShardingOptions { MixedPrecision = half ? MixedPrecisionPolicy.BFloat16 : MixedPrecisionPolicy.Single };
        Ranks.Run(ranks, rank =>
        {
            var module = FullyShard.Apply(new ToyModel(3), rank, ShardingPolicy.ForStage(stage), options);
            var optimizer = new Sgd(module, new SgdOptions { LearningRate = 0.05, AverageDecay = Decay });
            var average = Values(module);
            for (var step = 1; step <= Steps; step++)
            {
                Step(module, optimizer, rank);
                var now = Values(module);
                var decay = Math.Min(Decay, (1.0 + step) / (10 + step));
                foreach (var (name, values) in now)
                    for (var i = 0; i < values.Length; i++)
                        average[name][i] += (1 - decay) * (values[i] - average[name][i]);
            }

            // Exactly one more sharded copy in fp32: SGD without momentum keeps nothing else.
            Assert.Equal(module.Shards.Sum(shard => MemoryLedger.Round(shard.Values.Elements * sizeof(float))), rank.Tensors.Ledger.Live(MemoryKind.Optimizer));

            var before = Values(module);
            var loss = Evaluate(module, rank);
            optimizer.ExchangeAverages();
            var exchanged = Values(module);

            // Values are at most 1, and each step rounds them twice.
            foreach (var (name, values) in exchanged)
                for (var i = 0; i < values.Length; i++)
                    Assert.Equal(average[name][i], values[i], 2 * Steps * Math.Pow(2, -24));
            Assert.NotEqual(before["blocks.1.up.weight"], exchanged["blocks.1.up.weight"]);
            Assert.NotEqual(loss, Evaluate(module, rank));
            optimizer.ExchangeAverages();
            foreach (var (name, values) in Values(module))
                Assert.Equal(before[name], values);
            Assert.Equal(loss, Evaluate(module, rank));
        });
    }

    [Fact]
    public void WithoutAverages_ThereIsNothingToExchange()
    {
        using var tensors = new TensorContext();
        var module = FullyShard.Apply(new ToyModel(1), new FakeProcessGroup(0, 1), tensors, ShardingPolicy.DataParallel, new ShardingOptions());
        Assert.Contains("AverageDecay above 0", Assert.Throws<InvalidOperationException>(new Sgd(module).ExchangeAverages).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Sgd(module, new SgdOptions { AverageDecay = 1 }));
    }

    private static void Step(ShardedModule module, Optimizer optimizer, RankContext rank)
    {
        using var step = module.BeginStep();
        step.Backward(Loss(module, rank));
        optimizer.Step();
    }

    private static float Evaluate(ShardedModule module, RankContext rank)
    {
        using var pass = module.BeginEvaluation();
        return Loss(module, rank).Item();
    }

    private static Tensor Loss(ShardedModule module, RankContext rank)
    {
        const int rows = 4;
        var toy = (ToyModel)module.Module;
        var x = rank.Tensors.From<float>([.. Enumerable.Range(0, rows * toy.Features).Select(i => MathF.Sin(1 + i + (100 * rank.Rank)))], [rows, toy.Features]);
        return toy.Loss(x, rank.Tensors.From<int>([.. Enumerable.Range(0, rows).Select(i => i % toy.Classes)], [rows]));
    }

    private static Dictionary<string, double[]> Values(ShardedModule module)
    {
        var values = new Dictionary<string, double[]>();
        module.VisitParameters((name, value) => values[name] = Array.ConvertAll(value.ToArray<float>(), v => (double)v), everyRank: true);
        return values;
    }
}
