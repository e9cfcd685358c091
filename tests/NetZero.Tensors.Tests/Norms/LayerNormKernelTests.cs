using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class LayerNormKernelTests
{
    private const float Epsilon = 1e-5f;

    public static TheoryData<int, int> Sizes => NormSizes.All;

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Forward_AnySize_MatchesTheReference(int rows, int columns)
    {
        var (x, gamma, beta) = Inputs(rows, columns);
        var (y, mean, rstd) = (new PinnedFloats(x.Length), new PinnedFloats(rows), new PinnedFloats(rows));
        using var workers = new WorkerPool(2);
        new LayerNormForwardKernel(
            x.Pointer, gamma.Pointer, beta.Pointer, y.Pointer, mean.Pointer, rstd.Pointer, rows, columns, Epsilon).Run(workers);
        var expected = LayerNormReference.Forward(x.Span, gamma.Span, beta.Span, rows, columns, Epsilon);
        NormSizes.AssertClose(expected.Y, y, columns);
        NormSizes.AssertClose(expected.Mean, mean, columns);
        // A row of one element has variance 0, so rstd is large: compared relative to its size.
        for (var r = 0; r < rows; r++)
            Assert.Equal(1, rstd[r] / expected.Rstd[r], NormSizes.Tolerance(columns));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Backward_AnySize_MatchesTheReference(int rows, int columns)
    {
        var (x, gamma, _) = Inputs(rows, columns);
        var dy = PinnedFloats.Random(x.Length, 4);
        var expected = LayerNormReference.Backward(x.Span, gamma.Span, dy.Span, rows, columns, Epsilon);
        var (dx, dgamma, dbeta) = Backward(x, gamma, dy, rows, columns, threads: 2, start: 0);
        NormSizes.AssertClose(expected.Dx, dx, columns, NormSizes.LargestRstd(x, rows, columns, centered: true, Epsilon));
        NormSizes.AssertClose(expected.Dgamma, dgamma, rows + columns);
        NormSizes.AssertClose(expected.Dbeta, dbeta, rows);
    }

    [Fact]
    public void Backward_WithAccumulate_AddsToWhatIsThere()
    {
        var (x, gamma, _) = Inputs(37, 19);
        var dy = PinnedFloats.Random(x.Length, 4);
        var fresh = Backward(x, gamma, dy, 37, 19, threads: 1, start: 0);
        var added = Backward(x, gamma, dy, 37, 19, threads: 1, start: 2);
        AssertSum(fresh.Dx, added.Dx);
        AssertSum(fresh.Dgamma, added.Dgamma);
        AssertSum(fresh.Dbeta, added.Dbeta);

        static void AssertSum(PinnedFloats fresh, PinnedFloats added)
        {
            for (var i = 0; i < fresh.Length; i++)
                Assert.Equal(2 + fresh[i], added[i]);
        }
    }

    [Fact]
    public void Backward_AnyNumberOfThreads_GivesTheSameBits()
    {
        var (x, gamma, _) = Inputs(1500, 33);
        var dy = PinnedFloats.Random(x.Length, 4);
        var one = Backward(x, gamma, dy, 1500, 33, threads: 1, start: 0);
        var three = Backward(x, gamma, dy, 1500, 33, threads: 3, start: 0);
        Assert.Equal(one.Dx.ToArray(), three.Dx.ToArray());
        Assert.Equal(one.Dgamma.ToArray(), three.Dgamma.ToArray());
        Assert.Equal(one.Dbeta.ToArray(), three.Dbeta.ToArray());
    }

    private static (PinnedFloats X, PinnedFloats Gamma, PinnedFloats Beta) Inputs(int rows, int columns) =>
        (PinnedFloats.Random((long)rows * columns, 1), PinnedFloats.Random(columns, 2), PinnedFloats.Random(columns, 3));

    private static (PinnedFloats Dx, PinnedFloats Dgamma, PinnedFloats Dbeta) Backward(
        PinnedFloats x, PinnedFloats gamma, PinnedFloats dy, int rows, int columns, int threads, float start)
    {
        using var workers = new WorkerPool(threads);
        var (mean, rstd) = (new PinnedFloats(rows), new PinnedFloats(rows));
        var y = new PinnedFloats(x.Length);
        var beta = new PinnedFloats(columns);
        new LayerNormForwardKernel(
            x.Pointer, gamma.Pointer, beta.Pointer, y.Pointer, mean.Pointer, rstd.Pointer, rows, columns, Epsilon).Run(workers);
        var (dx, dgamma, dbeta) = (new PinnedFloats(x.Length, start), new PinnedFloats(columns, start), new PinnedFloats(columns, start));
        var scratch = new PinnedFloats(LayerNormBackwardKernel.WorkspaceBytes(rows, columns) / sizeof(float));
        new LayerNormBackwardKernel(
            x.Pointer, gamma.Pointer, mean.Pointer, rstd.Pointer, dy.Pointer, dx.Pointer, dgamma.Pointer, dbeta.Pointer,
            (byte*)scratch.Pointer, rows, columns, start != 0, start != 0, start != 0).Run(workers);
        return (dx, dgamma, dbeta);
    }
}
