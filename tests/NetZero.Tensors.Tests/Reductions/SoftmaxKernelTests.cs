using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Reductions;

[Trait("Category", "Kernel")]
public unsafe class SoftmaxKernelTests
{
    private const double U = 1.0 / (1 << 24);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Softmax_EveryLengthTo130_MatchesTheReference(bool logarithm)
    {
        for (var n = 1; n <= 130; n++)
            Check(3, n, logarithm);
        Check(2, 20_000, logarithm);
        Check(300, 257, logarithm);
    }

    [Fact]
    public void Softmax_MaskedScores_AreExactlyZeroAndTheRestSumsToOne()
    {
        var x = new PinnedFloats(40, float.NegativeInfinity);
        x[3] = 1000;
        x[37] = 1000;
        var y = Forward(x, 1, 40, false, 1);
        for (var i = 0; i < 40; i++)
            Assert.Equal(i is 3 or 37 ? 0.5f : 0, y[i]);
    }

    [Fact]
    public void LogSoftmax_OfAHugeMaximum_KeepsTheLogarithm()
    {
        var x = new PinnedFloats(2, 1e6f);
        Assert.Equal(-(float)Math.Log(2), Forward(x, 1, 2, true, 1)[0]);
    }

    private static void Check(int rows, int n, bool logarithm)
    {
        var x = PinnedFloats.Random(rows * n, n, scale: 8);
        var dy = PinnedFloats.Random(rows * n, n + 1);
        var y = Forward(x, rows, n, logarithm, 1);
        Assert.Equal(y.ToArray(), Forward(x, rows, n, logarithm, 3).ToArray());
        var dx = Backward(y, dy, logarithm, rows, n, accumulate: false);
        var added = Backward(y, dy, logarithm, rows, n, accumulate: true);
        for (var row = 0; row < rows; row++)
        {
            var expected = SoftmaxReference.Forward(Doubles(x, row, n), logarithm);
            var magnitude = Doubles(dy, row, n).Max(Math.Abs);
            var slopes = SoftmaxReference.Backward(Doubles(y, row, n), Doubles(dy, row, n), logarithm);
            for (var i = 0; i < n; i++)
            {
                var at = (row * n) + i;

                // Softmax: x - max rounds to u of at most 16; e^ adds 3u; the sum SumUnits, its reciprocal and the product 3u. Relative.
                // Its logarithm: the difference, the logarithm (its argument's relative error), the last difference: absolute.
                var forward = logarithm ? (16 + 3 + SumUnits(n) + 1 + Math.Abs(expected[i])) * U : (16 + 3 + SumUnits(n) + 3) * U * expected[i];
                Assert.Equal(expected[i], y[at], forward);

                // dot is a sum of n terms of total magnitude at most max|dy|, then a difference and a product, relative to y.
                var scale = logarithm ? Math.Abs(dy[at]) + (Math.Exp(expected[i]) * n * magnitude) : Math.Abs(expected[i]) * 2 * magnitude;
                Assert.Equal(slopes[i], dx[at], (SumUnits(n) + 8) * U * scale);
                Assert.Equal(0.5f + dx[at], added[at]);
            }
        }
    }

    private static double SumUnits(int n) => (Math.Min(n, RowReductions.Block) / (4.0 * Lanes)) + 8;

    private static int Lanes => Lanes16.IsSupported ? 16 : Lanes8.IsSupported ? 8 : Lanes4.IsSupported ? 4 : 1;

    private static double[] Doubles(PinnedFloats x, int row, int n) => [.. x.Span.Slice(row * n, n).ToArray().Select(v => (double)v)];

    private static PinnedFloats Forward(PinnedFloats x, int rows, int n, bool logarithm, int threads)
    {
        using var workers = new WorkerPool(threads);
        var y = new PinnedFloats(rows * n);
        new SoftmaxKernel(x.Pointer, y.Pointer, rows, n, logarithm).Run(workers);
        return y;
    }

    private static PinnedFloats Backward(PinnedFloats y, PinnedFloats dy, bool logarithm, int rows, int n, bool accumulate)
    {
        using var workers = new WorkerPool(2);
        var dx = new PinnedFloats(rows * n, 0.5f);
        new SoftmaxBackwardKernel(y.Pointer, dy.Pointer, dx.Pointer, rows, n, logarithm, accumulate).Run(workers);
        return dx;
    }
}
