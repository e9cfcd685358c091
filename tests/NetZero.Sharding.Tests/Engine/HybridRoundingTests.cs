using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// What travels in 16 bits over a hybrid mesh is rounded once at each of its two levels, behind the mean that fp32 holds: by half a unit
/// in the last place, u = 2^-8 of bf16 and 2^-11 of fp16.
/// </summary>
/// <remarks>The gradient of an input x is (-x / 2, x / 2), exactly, and a step of rate 1 moves the weight from zero by its mean.</remarks>
public class HybridRoundingTests
{
    public static TheoryData<DType, int, int> Meshes
    {
        get
        {
            var data = new TheoryData<DType, int, int>();
            foreach (var dtype in (DType[])[DType.BF16, DType.F16])
                foreach (var (ranks, group) in (ReadOnlySpan<(int, int)>)[(4, 2), (6, 2), (6, 3), (8, 4), (9, 3)])
                    data.Add(dtype, ranks, group);
            return data;
        }
    }

    // A mean of equal numbers is that number. A sum of them, rounded, is another one.
    [Theory]
    [MemberData(nameof(Meshes))]
    public void EqualGradients_ComeOutAsTheyWere(DType dtype, int ranks, int group)
    {
        for (var gradient = 1f; gradient < 2; gradient += 11 / 128f)
            foreach (var policy in Policies(group))
                Assert.All(Means(dtype, ranks, policy, _ => gradient), mean => Assert.Equal(gradient, mean));
    }

    [Theory]
    [InlineData(6, 2)]
    [InlineData(6, 3)]
    [InlineData(4, 2)]
    public void GradientsWhoseSumOverflows_HaveTheirMean(int ranks, int group)
    {
        foreach (var policy in Policies(group))
            Assert.All(Means(DType.F16, ranks, policy, _ => 30_000), mean => Assert.Equal(30_000, mean));
    }

    // Each group's mean is off by u of its magnitude, the mean of these by as much again; fp32 adds one rounding of 2^-24 for each of
    // S - 1 and R - 1 additions, two factors and two products.
    [Theory]
    [MemberData(nameof(Meshes))]
    public void AnyGradients_AreOffByTheRoundingsOfTwoLevels(DType dtype, int ranks, int group)
    {
        var u = dtype == DType.BF16 ? Math.Pow(2, -8) : Math.Pow(2, -11);
        for (var draw = 0; draw < 8; draw++)
        {
            var gradients = Enumerable.Range(0, ranks).Select(rank => Rounded(dtype, 3 * MathF.Sin((rank * 2.3f) + draw))).ToArray();
            var mean = gradients.Average(g => (double)g);
            var roundings = (Math.Pow(1 + u, 2) * Math.Pow(1 + Math.Pow(2, -24), group + (ranks / group) + 2)) - 1;
            var bound = roundings * gradients.Average(g => Math.Abs((double)g));
            float[]? first = null;
            foreach (var policy in Policies(group))
            {
                var found = Means(dtype, ranks, policy, rank => gradients[rank]);
                Assert.All(found, value => Assert.Equal(mean, value, bound));
                Assert.Equal(first ??= found, found);
            }
        }
    }

    private static IEnumerable<ShardingPolicy> Policies(int group)
    {
        for (var stage = 1; stage <= 3; stage++)
            yield return new ShardingPolicy { Stage = stage, ShardGroupSize = group };
    }

    private static float Rounded(DType dtype, float value) => dtype == DType.BF16 ? (float)(BFloat16)value : (float)(Half)value;

    private static float[] Means(DType dtype, int ranks, ShardingPolicy policy, Func<int, float> gradient) => Ranks.Run(ranks, rank =>
    {
        var model = new OneWeight();
        var precision = MixedPrecisionPolicy.Single with { ReduceDType = dtype };
        var sharded = FullyShard.Apply(model, rank, policy, new ShardingOptions { MixedPrecision = precision });
        using (sharded.BeginStep())
        {
            model.Loss(rank.Tensors.From<float>([2 * gradient(rank.Rank)], [1, 1])).Backward();
            new Sgd(sharded, new SgdOptions { LearningRate = 1 }).Step();
        }

        using var weight = sharded.GatherParameter("unit.linear.weight");
        var values = weight.Value.ToArray<float>();
        Assert.Equal(-values[0], values[1]);
        return values[0];
    });
}
