using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class RmsNormKernelTests
{
    private const float Epsilon = 1e-5f;

    public static TheoryData<int, int> Sizes => NormSizes.All;

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ForwardAndBackward_AnySize_MatchTheReference(int rows, int columns)
    {
        var x = PinnedFloats.Random((long)rows * columns, 1);
        var gamma = PinnedFloats.Random(columns, 2);
        var dy = PinnedFloats.Random(x.Length, 4);
        var run = Run(x, gamma, dy, rows, columns, threads: 2, start: 0);
        NormSizes.AssertClose(RmsNormReference.Forward(x.Span, gamma.Span, rows, columns, Epsilon).Y, run.Y, columns);
        var expected = RmsNormReference.Backward(x.Span, gamma.Span, dy.Span, rows, columns, Epsilon);
        NormSizes.AssertClose(expected.Dx, run.Dx, columns, NormSizes.LargestRstd(x, rows, columns, centered: false, Epsilon));
        NormSizes.AssertClose(expected.Dgamma, run.Dgamma, rows + columns);
    }

    [Fact]
    public void Backward_WithAccumulate_AddsToWhatIsThere()
    {
        var (x, gamma, dy) = (PinnedFloats.Random(37 * 19, 1), PinnedFloats.Random(19, 2), PinnedFloats.Random(37 * 19, 3));
        var fresh = Run(x, gamma, dy, 37, 19, threads: 1, start: 0);
        var added = Run(x, gamma, dy, 37, 19, threads: 1, start: 2);
        for (var i = 0; i < fresh.Dx.Length; i++)
            Assert.Equal(2 + fresh.Dx[i], added.Dx[i]);
        for (var i = 0; i < fresh.Dgamma.Length; i++)
            Assert.Equal(2 + fresh.Dgamma[i], added.Dgamma[i]);
    }

    [Fact]
    public void Backward_AnyNumberOfThreads_GivesTheSameBits()
    {
        var (x, gamma, dy) = (PinnedFloats.Random(1500 * 33, 1), PinnedFloats.Random(33, 2), PinnedFloats.Random(1500 * 33, 3));
        var one = Run(x, gamma, dy, 1500, 33, threads: 1, start: 0);
        var three = Run(x, gamma, dy, 1500, 33, threads: 3, start: 0);
        Assert.Equal(one.Dx.ToArray(), three.Dx.ToArray());
        Assert.Equal(one.Dgamma.ToArray(), three.Dgamma.ToArray());
    }

    private static (PinnedFloats Y, PinnedFloats Dx, PinnedFloats Dgamma) Run(
        PinnedFloats x, PinnedFloats gamma, PinnedFloats dy, int rows, int columns, int threads, float start)
    {
        using var workers = new WorkerPool(threads);
        var (y, rstd) = (new PinnedFloats(x.Length), new PinnedFloats(rows));
        new RmsNormForwardKernel(x.Pointer, gamma.Pointer, y.Pointer, rstd.Pointer, rows, columns, Epsilon).Run(workers);
        var (dx, dgamma) = (new PinnedFloats(x.Length, start), new PinnedFloats(columns, start));
        var scratch = new PinnedFloats(RmsNormBackwardKernel.WorkspaceBytes(rows, columns) / sizeof(float));
        new RmsNormBackwardKernel(
            x.Pointer, gamma.Pointer, rstd.Pointer, dy.Pointer, dx.Pointer, dgamma.Pointer, (byte*)scratch.Pointer, rows, columns,
            start != 0, start != 0).Run(workers);
        return (y, dx, dgamma);
    }
}
