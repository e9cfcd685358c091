using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public class LayerNormOpTests
{
    // dx_i = rstd (g_i - mean(g) - h_i mean(g h)) with h = (x - mean) rstd, g = dy w; dw = sum of dy h; db = sum of dy.
    [Fact]
    public void LayerNorm_OfATransposedView_MatchesTheReferenceForwardAndBackward()
    {
        const int rows = 5, columns = 7;
        using var context = new TensorContext();
        var (x, w, b, dy) = (
            PinnedFloats.Random(rows * columns, 1), PinnedFloats.Random(columns, 2), PinnedFloats.Random(columns, 3),
            PinnedFloats.Random(rows * columns, 4));
        var transposed = new float[rows * columns];
        for (var i = 0; i < transposed.Length; i++)
            transposed[(i % columns * rows) + (i / columns)] = x[i];
        var leaf = context.From<float>(transposed, [columns, rows]).RequireGrad();
        var weight = context.From<float>(w.Span, [columns]).RequireGrad();
        var bias = context.From<float>(b.Span, [columns]).RequireGrad();

        var y = leaf.Permute(1, 0).LayerNorm(weight, bias);
        y.Backward(context.From<float>(dy.Span, [rows, columns]));

        AssertClose(LayerNormReference.Forward(x.Span, w.Span, b.Span, rows, columns, 1e-5).Y, y);
        var expected = LayerNormReference.Backward(x.Span, w.Span, dy.Span, rows, columns, 1e-5);
        AssertClose(expected.Dx, leaf.Grad!.Permute(1, 0));
        AssertClose(expected.Dgamma, weight.Grad!);
        AssertClose(expected.Dbeta, bias.Grad!);
    }

    [Fact]
    public void LayerNorm_FrozenWeight_GetsNoGradient()
    {
        using var context = new TensorContext();
        var x = context.Full([2, 3], 1);
        var weight = context.Full([3], 1);
        var bias = context.Full([3], 1).RequireGrad();
        x.LayerNorm(weight, bias).Backward(context.Full([2, 3], 1));
        Assert.Null(weight.Grad);
        Assert.Equal([2f, 2f, 2f], bias.Grad!.ToArray<float>());
    }

    [Fact]
    public void LayerNorm_WeightOfAnotherLength_NamesBoth()
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(
            () => context.Full([2, 3], 1).LayerNorm(context.Full([4], 1), context.Full([3], 1)));
        Assert.Contains("must have the shape [3]", error.Message, StringComparison.Ordinal);
    }

    // Values and gradients here are below 8 in size; a row of 7 adds a dozen roundings: 2^-24 * 8 * 16.
    private static void AssertClose(double[] expected, Tensor actual)
    {
        var values = actual.ToArray<float>();
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], values[i], 128 * Math.Pow(2, -24));
    }
}
