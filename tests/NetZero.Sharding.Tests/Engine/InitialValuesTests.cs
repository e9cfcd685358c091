using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A model starts from the same values at every world size and stage.</summary>
public class InitialValuesTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    [InlineData(5, 2)]
    [InlineData(7, 3)]
    public void InitialValues_DependOnSeedAndNameAlone(int ranks, int stage)
    {
        var expected = Values(1, 0)[0];
        foreach (var values in Values(ranks, stage))
        {
            Assert.Equal(expected.Keys, values.Keys);
            foreach (var (name, weights) in expected)
                Assert.Equal(weights, values[name]);
        }

        Assert.NotEqual(expected["blocks.0.up.weight"], expected["blocks.1.up.weight"]);
    }

    private static Dictionary<string, float[]>[] Values(int ranks, int stage) => Ranks.Run(ranks, rank =>
    {
        var values = new Dictionary<string, float[]>();
        FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.ForStage(stage)).VisitParameters((name, value) => values[name] = value.ToArray<float>(), everyRank: true);
        return values;
    });
}
