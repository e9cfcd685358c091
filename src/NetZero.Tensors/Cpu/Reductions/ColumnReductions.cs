using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Reduces the rows of a matrix to one row. Each column is reduced on its own, so that the vector width changes no bits.</summary>
internal static unsafe class ColumnReductions
{
    /// <summary>
    /// y[i] = reduction over r of x[r·stride + i]; sums take four rows at a time: one rounding in four is on the running sum.
    /// </summary>
    public static void Run<TRule>(float* x, long rows, long stride, float* y, int columns)
        where TRule : struct, IReduceRule
    {
        var done = 0;
        if (Lanes16.IsSupported)
            done = Run<TRule, Lanes16>(x, rows, stride, y, done, columns);
        if (Lanes8.IsSupported)
            done = Run<TRule, Lanes8>(x, rows, stride, y, done, columns);
        if (Lanes4.IsSupported)
            done = Run<TRule, Lanes4>(x, rows, stride, y, done, columns);
        Run<TRule, Lanes1>(x, rows, stride, y, done, columns);
    }

    // Four vectors side by side while there are, then one; says how many columns are done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Run<TRule, T>(float* x, long rows, long stride, float* y, int column, int columns)
        where TRule : struct, IReduceRule
        where T : struct, ILanes<T>
    {
        for (; column + (4 * T.Count) <= columns; column += 4 * T.Count)
        {
            var from = x + column;
            T s0 = T.Splat(TRule.Identity), s1 = s0, s2 = s0, s3 = s0;
            long row = 0;
            for (; row + 4 <= rows; row += 4, from += 4 * stride)
            {
                s0 = TRule.Combine(s0, Four<TRule, T>(from, stride));
                s1 = TRule.Combine(s1, Four<TRule, T>(from + T.Count, stride));
                s2 = TRule.Combine(s2, Four<TRule, T>(from + (2 * T.Count), stride));
                s3 = TRule.Combine(s3, Four<TRule, T>(from + (3 * T.Count), stride));
            }

            for (; row < rows; row++, from += stride)
            {
                s0 = TRule.Combine(s0, T.Load(from));
                s1 = TRule.Combine(s1, T.Load(from + T.Count));
                s2 = TRule.Combine(s2, T.Load(from + (2 * T.Count)));
                s3 = TRule.Combine(s3, T.Load(from + (3 * T.Count)));
            }

            T.Store(s0, y + column);
            T.Store(s1, y + column + T.Count);
            T.Store(s2, y + column + (2 * T.Count));
            T.Store(s3, y + column + (3 * T.Count));
        }

        for (; column + T.Count <= columns; column += T.Count)
        {
            var from = x + column;
            var s = T.Splat(TRule.Identity);
            long row = 0;
            for (; row + 4 <= rows; row += 4, from += 4 * stride)
                s = TRule.Combine(s, Four<TRule, T>(from, stride));
            for (; row < rows; row++, from += stride)
                s = TRule.Combine(s, T.Load(from));
            T.Store(s, y + column);
        }

        return column;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Four<TRule, T>(float* x, long stride)
        where TRule : struct, IReduceRule
        where T : struct, ILanes<T> =>
        TRule.Combine(
            TRule.Combine(T.Load(x), T.Load(x + stride)),
            TRule.Combine(T.Load(x + (2 * stride)), T.Load(x + (3 * stride))));
}
