using NetZero.Testing;

namespace NetZero.Tensors.Tests;

public class ReductionOpTests
{
    public static TheoryData<int[]> DimSets => [[], [0], [1], [2], [3], [0, 1], [1, 2], [0, 2], [1, 3], [0, 1, 3], [-1, 0], [0, 1, 2, 3]];

    private static readonly int[] Extents = [2, 3, 1, 4];

    // Sums of at most 24 terms: fewer than 24 roundings each way, and the mean's factor.
    [Theory]
    [MemberData(nameof(DimSets))]
    public void Reductions_AnyDimensions_MatchDifferences(int[] dims)
    {
        foreach (var input in Inputs())
        {
            foreach (var keep in new[] { false, true })
            {
                GradientCheck.Run(t => t[0].Sum(dims, keep), x => Reduce(x[0], dims, (u, v) => u + v, 0), 26, input);
                GradientCheck.Run(t => t[0].Max(dims, keep), x => Reduce(x[0], dims, Math.Max, double.NegativeInfinity), 1, input);
                GradientCheck.Run(
                    t => t[0].Mean(dims, keep),
                    x => [.. Reduce(x[0], dims, (u, v) => u + v, 0).Select(v => v * Reduce(x[0], dims, (u, _) => u + 1, 0).Length / 24)],
                    units: 26,
                    input);
            }
        }
    }

    [Fact]
    public void Reductions_KeepOrDropTheirDimensions()
    {
        using var context = new TensorContext();
        var x = context.Zeros([2, 3, 1, 4]);
        Assert.Equal([2, 4], x.Sum(1, 2).Shape);
        Assert.Equal([2, 1, 1, 4], x.Sum([1, 2], keepDims: true).Shape);
        Assert.Equal([], x.Max().Shape);
        Assert.Equal(0, context.Zeros([0, 3]).Sum().Item());
        Assert.Contains("names dimension -1 twice", Assert.Throws<ArgumentException>(() => x.Sum(3, -1)).Message, StringComparison.Ordinal);
        Assert.Contains("no elements to average", Assert.Throws<ArgumentException>(() => context.Zeros([0, 3]).Mean(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Max_OfEqualElements_SharesTheGradient()
    {
        using var context = new TensorContext();
        var x = context.From<float>([1, 5, 5, 2], [4]).RequireGrad();
        x.Max().Backward();
        Assert.Equal([0f, 0.5f, 0.5f, 0], x.Grad!.ToArray<float>());
    }

    // Forward: e^'s 3, the sum of 5 terms, reciprocal, product. Backward: the dot product of 5 terms, difference, product.
    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public void Softmax_AnyDimension_MatchesDifferences(int dim)
    {
        foreach (var input in Views.Of3By5(-3, 3))
        {
            GradientCheck.Run(t => t[0].Softmax(dim), x => Softmax(x[0], dim, v => v), 24, input);
            GradientCheck.Run(t => t[0].LogSoftmax(dim), x => Softmax(x[0], dim, Math.Log), 24, input);
        }
    }

    private static GradientInput[] Inputs() =>
    [
        new([2, 3, 1, 4]),
        new([4, 1, 3, 2]) { View = leaf => leaf.Permute(3, 2, 1, 0) },
        new([2, 7, 1, 4]) { View = leaf => leaf.Slice(1, 2, 3) },
    ];

    private static double[] Softmax(double[] x, int dim, Func<double, double> then)
    {
        var y = new double[15];
        for (var i = 0; i < 15; i++)
        {
            double sum = 0;
            for (var j = 0; j < 15; j++)
                if (dim == 0 ? j % 5 == i % 5 : j / 5 == i / 5)
                    sum += Math.Exp(x[j]);
            y[i] = then(Math.Exp(x[i]) / sum);
        }

        return y;
    }

    // Over [2, 3, 1, 4], by working out each element's place in the result.
    private static double[] Reduce(double[] x, int[] dims, Func<double, double, double> f, double start)
    {
        bool IsReduced(int dim) => dims.Length == 0 || dims.Contains(dim) || dims.Contains(dim - 4);
        var count = Enumerable.Range(0, 4).Where(d => !IsReduced(d)).Aggregate(1, (n, d) => n * Extents[d]);
        var y = Enumerable.Repeat(start, count).ToArray();
        for (var i = 0; i < x.Length; i++)
        {
            int[] index = [i / 12, i / 4 % 3, 0, i % 4];
            var at = 0;
            for (var d = 0; d < 4; d++)
                if (!IsReduced(d))
                    at = (at * Extents[d]) + index[d];
            y[at] = f(y[at], x[i]);
        }

        return y;
    }
}
