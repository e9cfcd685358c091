using NetZero.Tensors.Cpu;
using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>
/// Elementwise ops of one input, over whole, transposed, sliced and repeated inputs; derivatives stand in the ops' files.
/// </summary>
public class UnaryOpTests
{
    [Fact]
    public void Exp_Gradient_IsItself() => Check(x => x.Exp(), Math.Exp, -2, 1);

    [Fact]
    public void Log_Gradient_IsTheReciprocal() => Check(x => x.Log(), Math.Log, 0.4, 3);

    [Fact]
    public void Sqrt_Gradient_IsHalfItsReciprocal() => Check(x => x.Sqrt(), Math.Sqrt, 0.4, 3);

    [Fact]
    public void Rsqrt_Gradient_MatchesDifferences() => Check(x => x.Rsqrt(), v => 1 / Math.Sqrt(v), 0.5, 3);

    [Fact]
    public void Reciprocal_Gradient_MatchesDifferences() => Check(x => x.Reciprocal(), v => 1 / v, 0.6, 3);

    [Fact]
    public void Tanh_Gradient_MatchesDifferences() => Check(x => x.Tanh(), Math.Tanh, -3, 3);

    [Fact]
    public void Sigmoid_Gradient_MatchesDifferences() => Check(x => x.Sigmoid(), v => 1 / (1 + Math.Exp(-v)), -5, 5);

    [Fact]
    public void Gelu_Gradient_MatchesDifferences() => Check(x => x.Gelu(), default(GeluRule).Reference, -4, 4);

    [Fact]
    public void GeluExact_Gradient_MatchesDifferences() => Check(x => x.GeluExact(), default(GeluExactRule).Reference, -4, 4);

    [Fact]
    public void Silu_Gradient_MatchesDifferences() => Check(x => x.Silu(), v => v / (1 + Math.Exp(-v)), -4, 4);

    [Fact]
    public void Relu_Gradient_PassesWhereTheInputIsPositive() => Check(x => x.Relu(), v => Math.Max(v, 0), -2, 2);

    [Fact]
    public void Abs_Gradient_HasTheSignOfTheInput() => Check(x => x.Abs(), Math.Abs, -2, 2);

    [Fact]
    public void NumberArithmetic_Gradient_IsTheFactor()
    {
        Check(x => (3 * x) + 1, v => (3 * v) + 1, -1, 1);
        Check(x => 2 - (x / 4), v => 2 - (v / 4), -1, 1);
        Check(x => -(x - 0.5f) * 0.25f, v => -(v - 0.5) * 0.25, -1, 1);
        Check(x => 1.5f + x, v => 1.5 + v, -1, 1);
    }

    [Fact]
    public void Unary_OfIntegers_NamesTheOpAndTheTypes()
    {
        using var context = new TensorContext();
        var x = context.From<int>([1, 2], [2]);
        var error = Assert.Throws<ArgumentException>(() => x.Exp());
        Assert.Equal("Exp of 'From' I32 [2]: elements are I32, expected F32, BF16 or F16; Cast(DType.F32) first.", error.Message);
    }

    // 20: the most that these ops' rules round (see RuleTests), with the derivatives' magnitudes of at most 3 in the ranges given.
    private static void Check(Func<Tensor, Tensor> op, Func<double, double> reference, double low, double high)
    {
        foreach (var input in Views.Of3By5(low, high))
            GradientCheck.Run(t => op(t[0]), x => [.. x[0].Select(reference)], units: 20, input);
    }
}
