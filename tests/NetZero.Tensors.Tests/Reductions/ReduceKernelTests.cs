using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Reductions;

[Trait("Category", "Kernel")]
public unsafe class ReduceKernelTests
{
    private const double U = 1.0 / (1 << 24);

    public static TheoryData<long, long, long> Shapes => new()
    {
        { 1, 1, 1 }, { 3, 0, 2 }, { 1, 5000, 1 }, { 2, 40_001, 1 }, { 7, 33, 1 }, { 500, 70, 1 }, { 1, 255, 3 }, { 1, 256, 64 }, { 1, 257, 65 },
        { 1, 3000, 768 }, { 4, 19, 131 }, { 2, 700, 300 }, { 1000, 3, 5 }, { 5, 1, 1000 },
    };

    [Fact]
    public void Sum_EveryLengthTo130_MatchesTheReference()
    {
        for (var n = 1; n <= 130; n++)
        {
            Check<SumReduce>(new ReduceShape(2, n, 1), 1);
            Check<SumReduce>(new ReduceShape(1, 9, n), 1);
            Check<MaxReduce>(new ReduceShape(2, n, 1), 1);
            Check<MaxReduce>(new ReduceShape(1, 9, n), 1);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Reductions_ManyShapes_MatchTheReferenceForAnyNumberOfThreads(long outer, long reduced, long inner)
    {
        Check<SumReduce>(new ReduceShape(outer, reduced, inner), 1.0 / Math.Max(1, reduced));
        Check<MaxReduce>(new ReduceShape(outer, reduced, inner), 1);
    }

    [Fact]
    public void Max_OfNaN_IsNaN()
    {
        for (var n = 1; n <= 130; n++)
        {
            var x = PinnedFloats.Random(n, n);
            x[n * 5 % n] = float.NaN;
            Assert.True(float.IsNaN(RowReductions.Max(x.Pointer, n)));
        }
    }

    [Fact]
    public void Sum_OfMillionsOfEqualTerms_DoesNotDrift()
    {
        const int N = 3_000_000;
        var x = new PinnedFloats(N, 0.1f);
        Assert.Equal((double)0.1f * N, RowReductions.Sum(x.Pointer, N), N * 0.1 * SumUnits(RowReductions.Block) * U);
    }

    // Roundings on the way of one term into a sum: the running sums of a row block (4 vectors) or of a chunk of rows (4 rows at a time),
    // joining them, storing the chunk's sum, and the result.
    private static double SumUnits(long terms) => (Math.Min(terms, RowReductions.Block) / (4.0 * Lanes)) + 10;

    private static int Lanes => Lanes16.IsSupported ? 16 : Lanes8.IsSupported ? 8 : Lanes4.IsSupported ? 4 : 1;

    private static void Check<TRule>(ReduceShape shape, double scale)
        where TRule : struct, IReduceRule
    {
        var x = PinnedFloats.Random(Math.Max(1, shape.Outer * shape.Reduced * shape.Inner), 3);
        var magnitudes = new PinnedFloats(x.Length);
        for (var i = 0; i < x.Length; i++)
            magnitudes[i] = MathF.Abs(x[i]);
        var first = Run<TRule>(x, shape, scale, threads: 1, accumulate: false);
        Assert.Equal(first.ToArray(), Run<TRule>(x, shape, scale, threads: 3, accumulate: false).ToArray());
        var added = Run<TRule>(x, shape, scale, threads: 1, accumulate: true);
        var units = typeof(TRule) == typeof(MaxReduce) ? 1 : shape.Inner == 1 ? SumUnits(shape.Reduced) : (Math.Min(shape.Reduced, 256) / 4.0) + 10;
        for (long o = 0; o < shape.Outer; o++)
        {
            for (long i = 0; i < shape.Inner; i++)
            {
                var at = (o * shape.Inner) + i;
                var expected = scale * ReduceReference.Element<TRule>(x.Pointer, shape, o, i);
                var tolerance = scale * units * U * ReduceReference.Element<TRule>(magnitudes.Pointer, shape, o, i);
                Assert.True(
                    first[at].Equals((float)expected) || Math.Abs(first[at] - expected) <= tolerance,
                    $"{typeof(TRule).Name} {shape} at [{o}, {i}]: {first[at]:R}, expected {expected:R} ± {tolerance:E2}");
                Assert.Equal(2.5f + first[at], added[at]);
            }
        }
    }

    private static PinnedFloats Run<TRule>(PinnedFloats x, ReduceShape shape, double scale, int threads, bool accumulate)
        where TRule : struct, IReduceRule
    {
        using var workers = new WorkerPool(threads);
        var y = new PinnedFloats(shape.Outer * shape.Inner, 2.5f);
        var scratch = new PinnedFloats(shape.WorkspaceBytes / sizeof(float));
        new ReduceKernel<TRule>(x.Pointer, y.Pointer, scratch.Pointer, shape, scale, accumulate).Run(workers);
        return y;
    }
}
