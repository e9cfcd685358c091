using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Reductions;

[Trait("Category", "Kernel")]
public unsafe class SumOfSquaresTests
{
    [Fact]
    public void SumOfSquares_AnyLength_MatchesTheReference()
    {
        foreach (var n in Enumerable.Range(0, 131).Concat([255, 256, 257, 16384, 50_001]))
        {
            var x = PinnedFloats.Random(n, n, scale: 30);
            var expected = ReduceReference.SumOfSquares(x.Pointer, n);

            // Squares are exact in double; at most 50,001 additions of positive terms, each within 2^-53.
            Assert.Equal(expected, Run(x, 0, n, 1), n * Math.Pow(2, -52) * expected);
            Assert.Equal(Run(x, 0, n, 1), Run(x, 0, n, 3));
        }
    }

    [Fact]
    public void SumOfSquares_HugeAndTinyValues_NeitherOverflowsNorVanishes()
    {
        var x = new PinnedFloats(1000, 1e30f);
        Assert.Equal(1000 * 1e60, Run(x, 0, 1000, 1), 1e56);
        x.Span.Fill(1e-30f);
        Assert.Equal(1000 * 1e-60, Run(x, 0, 1000, 1), 1e-64);
    }

    private static double Run(PinnedFloats x, int start, int count, int threads)
    {
        using var workers = new WorkerPool(threads);
        var scratch = new double[(SumOfSquaresKernel.WorkspaceBytes(count) / sizeof(double)) + 1];
        double result;
        fixed (double* pointer = scratch)
            new SumOfSquaresKernel(x.Pointer + start, count, &result, pointer).Run(workers);
        return result;
    }
}
