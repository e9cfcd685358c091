using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Reductions;

[Trait("Category", "Kernel")]
public unsafe class HostReductionTests
{
    // Sums: what is added is exact in double; at most 50,001 additions of terms that are not negative, each within 2^-53. Maxima are exact.
    [Fact]
    public void EachRule_AnyLength_MatchesTheReference()
    {
        Check<SumOfSquaresRule>(Math.Pow(2, -52));
        Check<SumOfMagnitudesRule>(Math.Pow(2, -52));
        Check<LargestMagnitudeRule>(0);
    }

    [Fact]
    public void EachRule_IsWhatItsNameSays()
    {
        var x = new PinnedFloats(3, 0);
        (x.Span[0], x.Span[1], x.Span[2]) = (3, -4, 1);
        Assert.Equal(26, Run<SumOfSquaresRule>(x, 0, 3, 1));
        Assert.Equal(8, Run<SumOfMagnitudesRule>(x, 0, 3, 1));
        Assert.Equal(4, Run<LargestMagnitudeRule>(x, 0, 3, 1));
        Assert.Equal(0, Run<LargestMagnitudeRule>(x, 0, 0, 1));
    }

    [Fact]
    public void EachRule_NaNAnywhere_IsNaN()
    {
        const int n = 300;
        for (var i = 0; i < n; i++)
        {
            var x = new PinnedFloats(n, 1);
            x.Span[i] = float.NaN;
            Assert.Equal(double.NaN, Run<SumOfSquaresRule>(x, 0, n, 1));
            Assert.Equal(double.NaN, Run<SumOfMagnitudesRule>(x, 0, n, 1));
            Assert.Equal(double.NaN, Run<LargestMagnitudeRule>(x, 0, n, 1));
        }
    }

    [Fact]
    public void SumOfSquares_HugeAndTinyValues_NeitherOverflowsNorVanishes()
    {
        var x = new PinnedFloats(1000, 1e30f);
        Assert.Equal(1000 * 1e60, Run<SumOfSquaresRule>(x, 0, 1000, 1), 1e56);
        x.Span.Fill(1e-30f);
        Assert.Equal(1000 * 1e-60, Run<SumOfSquaresRule>(x, 0, 1000, 1), 1e-64);
    }

    private static void Check<TRule>(double tolerance)
        where TRule : struct, IHostReductionRule
    {
        foreach (var n in Enumerable.Range(0, 131).Concat([255, 256, 257, 16384, 50_001]))
        {
            var x = PinnedFloats.Random(n, n, scale: 30);
            var expected = ReduceReference.OnHost<TRule>(x.Pointer, n);
            Assert.Equal(expected, Run<TRule>(x, 0, n, 1), n * tolerance * expected);
            Assert.Equal(Run<TRule>(x, 0, n, 1), Run<TRule>(x, 0, n, 3));
        }
    }

    private static double Run<TRule>(PinnedFloats x, int start, int count, int threads)
        where TRule : struct, IHostReductionRule
    {
        using var workers = new WorkerPool(threads);
        var scratch = new double[HostReductionKernel<TRule>.WorkspaceBytes(count) / sizeof(double)];
        double result = 0;
        fixed (double* pointer = scratch)
            new HostReductionKernel<TRule>(x.Pointer + start, count, pointer, &result).Run(workers);
        return result;
    }
}
