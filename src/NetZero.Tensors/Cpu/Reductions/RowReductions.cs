using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Sums and maxima of contiguous floats on one thread.</summary>
/// <remarks>
/// Sums are taken in blocks of <see cref="Block"/> elements: four vectors of partial sums within a block, the blocks' sums in double. So
/// the
/// error is at most (Block / (4·lanes) + log2(4·lanes) + 1)·2^-24 of the sum of magnitudes, however long the row, and the result depends on
/// the length and the vector width only.
/// </remarks>
internal static unsafe class RowReductions
{
    /// <summary>Elements summed in single precision.</summary>
    public const int Block = 1024;

    /// <summary>Σ x[i].</summary>
    public static double Sum(float* x, long count) => Terms<SumTerm>(x, x, count);

    /// <summary>Σ a[i]·b[i].</summary>
    public static double Dot(float* a, float* b, long count) => Terms<ProductTerm>(a, b, count);

    /// <summary>The largest x[i]; NaN when any is, -infinity of nothing.</summary>
    public static float Max(float* x, long count)
    {
        if (Lanes16.IsSupported)
            return Max<Lanes16>(x, count);
        if (Lanes8.IsSupported)
            return Max<Lanes8>(x, count);
        return Lanes4.IsSupported ? Max<Lanes4>(x, count) : Max<Lanes1>(x, count);
    }

    private static double Terms<TTerm>(float* a, float* b, long count)
        where TTerm : struct, ITerm
    {
        double total = 0;
        for (long i = 0; i < count; i += Block)
        {
            var length = (int)Math.Min(Block, count - i);
            if (Lanes16.IsSupported)
                total += BlockTerms<TTerm, Lanes16>(a + i, b + i, length);
            else if (Lanes8.IsSupported)
                total += BlockTerms<TTerm, Lanes8>(a + i, b + i, length);
            else if (Lanes4.IsSupported)
                total += BlockTerms<TTerm, Lanes4>(a + i, b + i, length);
            else
                total += BlockTerms<TTerm, Lanes1>(a + i, b + i, length);
        }

        return total;
    }

    // Optimised at the first call: until a tiered loop is hot, each of its vector operations is a call.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float BlockTerms<TTerm, T>(float* a, float* b, int count)
        where TTerm : struct, ITerm
        where T : struct, ILanes<T>
    {
        T s0 = T.Splat(0f), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i + (4 * T.Count) <= count; i += 4 * T.Count)
        {
            s0 = TTerm.Add(s0, T.Load(a + i), T.Load(b + i));
            s1 = TTerm.Add(s1, T.Load(a + i + T.Count), T.Load(b + i + T.Count));
            s2 = TTerm.Add(s2, T.Load(a + i + (2 * T.Count)), T.Load(b + i + (2 * T.Count)));
            s3 = TTerm.Add(s3, T.Load(a + i + (3 * T.Count)), T.Load(b + i + (3 * T.Count)));
        }

        for (; i + T.Count <= count; i += T.Count)
            s0 = TTerm.Add(s0, T.Load(a + i), T.Load(b + i));
        if (i < count)
            s1 = TTerm.Add(s1, PartialLanes.Load<T>(a + i, count - i), PartialLanes.Load<T>(b + i, count - i));
        return T.Sum((s0 + s1) + (s2 + s3));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Max<T>(float* x, long count)
        where T : struct, ILanes<T>
    {
        T m0 = T.Splat(float.NegativeInfinity), m1 = m0;
        long i = 0;
        for (; i + (2 * T.Count) <= count; i += 2 * T.Count)
        {
            m0 = T.Max(m0, T.Load(x + i));
            m1 = T.Max(m1, T.Load(x + i + T.Count));
        }

        for (; i < count; i += T.Count)
            m0 = T.Max(m0, PartialLanes.Load<T>(x + i, count - i, float.NegativeInfinity));
        return T.MaxAcross(T.Max(m0, m1));
    }

    private interface ITerm
    {
        static abstract T Add<T>(T sum, T a, T b)
            where T : struct, ILanes<T>;
    }

    private readonly struct SumTerm : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Add<T>(T sum, T a, T b)
            where T : struct, ILanes<T> =>
            sum + a;
    }

    private readonly struct ProductTerm : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Add<T>(T sum, T a, T b)
            where T : struct, ILanes<T> =>
            T.MultiplyAdd(a, b, sum);
    }
}
