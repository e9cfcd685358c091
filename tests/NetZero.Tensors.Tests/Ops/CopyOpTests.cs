using NetZero.Testing;

namespace NetZero.Tensors.Tests;

public class CopyOpTests
{
    [Fact]
    public void Contiguous_AnyView_CopiesAndPassesTheGradientBack()
    {
        foreach (var input in Views.Of3By5(-2, 2))
            GradientCheck.Run(t => t[0].Contiguous() * 2, x => [.. x[0].Select(v => 2 * v)], 4, input);
    }

    [Fact]
    public void Concat_AlongAnyDimension_SlicesTheGradient()
    {
        GradientCheck.Run(
            t => Tensor.Concat([t[0], t[1], t[0]], dim: 1),
            x => [.. Enumerable.Range(0, 3).SelectMany(r => x[0][(r * 2)..((r * 2) + 2)].Concat(x[1][r..(r + 1)]).Concat(x[0][(r * 2)..((r * 2) + 2)]))],
            units: 4,
            new GradientInput([2, 3]) { View = leaf => leaf.Transpose() },
            new GradientInput([3, 1]));
        GradientCheck.Run(t => Tensor.Concat([t[0], t[1]]), x => [.. x[0], .. x[1]], 1, new GradientInput([2, 3]), new GradientInput([4, 3]));
    }

    [Fact]
    public void Concat_OfShapesThatDoNotFit_NamesThem()
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(() => Tensor.Concat([context.Zeros([2, 3]), context.Zeros([2, 4])]));
        Assert.Contains("Concat of 'Zeros' F32 [2, 3] and 'Zeros' F32 [2, 4] along dimension 0", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Tensor.Concat([]));
    }

    // y[i, j] = x[i, index[i, j]]; index 3 of row 0 is picked twice, so its gradients add up.
    [Fact]
    public void Gather_RepeatedIndices_AddUpTheirGradients()
    {
        int[] indices = [3, 0, 3, 1, 1, 2];
        foreach (var input in new[] { new GradientInput([2, 4]), new GradientInput([4, 2]) { View = leaf => leaf.Transpose() } })
        {
            GradientCheck.Run(
                t => t[0].Gather(1, t[0].Context.From<int>(indices, [2, 3])),
                x => [.. Enumerable.Range(0, 6).Select(i => x[0][(i / 3 * 4) + indices[i]])],
                units: 2,
                input);
        }

        long[] rows = [2, 0, 1, 1, 2, 0, 0, 0];
        GradientCheck.Run(
            t => t[0].Gather(0, t[0].Context.From<long>(rows, [2, 4])),
            x => [.. Enumerable.Range(0, 8).Select(i => x[0][((int)rows[i] * 4) + (i % 4)])],
            units: 2,
            new GradientInput([3, 4]));
    }

    [Fact]
    public void Gather_IndexOutsideOfTheDimension_NamesIt()
    {
        using var context = new TensorContext();
        var x = context.Zeros([2, 4]);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => x.Gather(1, context.From<int>([0, 4], [2, 1])));
        Assert.Contains("Gather: index 4 at element 1 is outside of the dimension of extent 4", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Gather(1, context.From<long>([0, -1], [2, 1])));
        Assert.Contains("expected I32 or I64", Assert.Throws<ArgumentException>(() => x.Gather(1, x)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => x.Gather(1, context.From<int>([0], [1, 1])));
    }

    // Values that the 16-bit types hold exactly, so that casting there and back changes nothing and the gradient is exact as well.
    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Cast_Between16BitAndSingle_PassesTheGradientBack(DType dtype)
    {
        using var context = new TensorContext();
        var x = context.From<float>([1.5f, -2, 0.25f, 96], [2, 2]).RequireGrad();
        var half = x.Transpose().Cast(dtype);
        Assert.Equal(dtype, half.DType);
        (half.Cast(DType.F32) * 3).Backward(context.From<float>([1, 2, 0.5f, -4], [2, 2]));
        Assert.Equal([3f, 1.5f, 6, -12], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Cast_A16BitTensorUsedTwice_AddsItsGradients()
    {
        using var context = new TensorContext();
        var half = context.From<float>([1.5f, -2], [2]).Cast(DType.BF16).RequireGrad();
        (half.Cast(DType.F32) * half.Expand([3, 2]).Cast(DType.F32)).Sum().Backward();

        // d/dx of 3x² = 6x.
        Assert.Equal([9f, -12], half.Grad!.Cast(DType.F32).ToArray<float>());
    }
}
