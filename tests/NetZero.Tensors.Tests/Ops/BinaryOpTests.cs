using NetZero.Testing;

namespace NetZero.Tensors.Tests;

public class BinaryOpTests
{
    [Fact]
    public void Arithmetic_EveryPairOfViews_MatchesDifferences()
    {
        foreach (var a in Views.Of3By5(-2, 2))
        {
            foreach (var b in Views.Of3By5(0.7, 2.5))
            {
                GradientCheck.Run(t => t[0] + t[1], x => Zip(x, (u, v) => u + v), 4, a, b);
                GradientCheck.Run(t => t[0] - t[1], x => Zip(x, (u, v) => u - v), 4, a, b);
                GradientCheck.Run(t => t[0] * t[1], x => Zip(x, (u, v) => u * v), 8, a, b);
                GradientCheck.Run(t => t[0] / t[1], x => Zip(x, (u, v) => u / v), 8, a, b);
            }
        }
    }

    [Fact]
    public void Arithmetic_BroadcastsOnBothSides_SumsTheGradients()
    {
        // [4, 1, 3] * [5, 1]: y[i, j, k] = a[i, k] b[j].
        GradientCheck.Run(
            t => t[0] * t[1],
            x => [.. Enumerable.Range(0, 60).Select(i => x[0][(i / 15 * 3) + (i % 3)] * x[1][i / 3 % 5])],
            units: 20,
            new GradientInput([4, 1, 3]),
            new GradientInput([5, 1]));
    }

    [Fact]
    public void Arithmetic_OneTensorOnBothSides_AddsBothGradients() =>
        GradientCheck.Run(t => (t[0] * t[0]) - (t[0] / t[0]), x => [.. x[0].Select(v => (v * v) - 1)], 12, new GradientInput([7], 0.5, 2));

    [Fact]
    public void Multiply_OfAConstant_SavesOnlyWhatIsNeeded()
    {
        using var context = new TensorContext();
        var x = context.From<float>([1, 2, 3], [3]).RequireGrad();
        var constant = context.From<float>([2, 2, 2], [3]);
        var y = x * constant;
        x.CopyFrom(constant); // x is not saved, so changing it is no error.
        y.Backward(context.From<float>([1, 1, 1], [3]));
        Assert.Equal([2f, 2, 2], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Arithmetic_OfShapesThatDoNotBroadcast_NamesBoth()
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(() => context.Zeros([2, 3]) * context.Zeros([2, 4]));
        Assert.Contains("Multiply of 'Zeros' F32 [2, 3] and 'Zeros' F32 [2, 4]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_ByACondition_PassesGradientsToWhatWasChosen()
    {
        byte[] condition = [1, 0, 2, 0, 0, 255];
        GradientCheck.Run(
            t => Tensor.Where(t[0].Context.From<byte>(condition, [2, 3]), t[0], t[1]),
            x => [.. Enumerable.Range(0, 6).Select(i => condition[i] != 0 ? x[0][i] : x[1][i % 3])],
            units: 4,
            new GradientInput([3, 2]) { View = leaf => leaf.Transpose() },
            new GradientInput([1, 3]));
        GradientCheck.Run(
            t => t[0].MaskedFill(t[0].Context.From<byte>([0, 1, 0], [3]), -7),
            x => [.. Enumerable.Range(0, 6).Select(i => i % 3 == 1 ? -7 : x[0][i])],
            units: 1,
            new GradientInput([2, 3]));
    }

    [Fact]
    public void Where_NaNThatIsNotChosen_PassesNoGradient()
    {
        using var context = new TensorContext();
        var x = context.From<float>([-1, 4], [2]).RequireGrad();
        var y = x.Sqrt().MaskedFill(context.From<byte>([1, 0], [2]), 0);
        Assert.Equal([0f, 2], y.ToArray<float>());
        Assert.Throws<ArgumentException>(() => Tensor.Where(x, x, x));
    }

    private static double[] Zip(double[][] x, Func<double, double, double> f) => [.. x[0].Zip(x[1], f)];
}
