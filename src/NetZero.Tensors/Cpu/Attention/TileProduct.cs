using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// Small matrix products inside a tile: four rows of C (+)= A B over a range of the inner dimension, with the sums in registers.
/// </summary>
/// <remarks>
/// A is read element by element and may have any strides (so also a transposed tile); rows of B and C are adjacent vectors.
/// </remarks>
internal static unsafe class TileProduct
{
    /// <summary>Rows of C that are computed together: 4 x 4 sums of 16 lanes, or 4 x 2 of fewer, fit the registers with room for B.</summary>
    public const int Rows = 4;

    /// <summary>c[r, j] (+)= sum over k of a[r aRow + k aColumn] b[k bRow + j], r below 4, j below <paramref name="columns"/>.</summary>
    /// <param name="a">The element of A in the first row at k = 0.</param>
    /// <param name="aRow">Floats between rows of A.</param>
    /// <param name="aColumn">Floats between columns of A.</param>
    /// <param name="b">The first row of B.</param>
    /// <param name="bRow">Floats between rows of B.</param>
    /// <param name="c">The first of the four rows of C.</param>
    /// <param name="cRow">Floats between rows of C.</param>
    /// <param name="start">The first k.</param>
    /// <param name="end">The k after the last.</param>
    /// <param name="columns">Columns of C, rounded up to whole vectors: B and C must have room for that.</param>
    /// <param name="accumulate">Whether to add to C.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(
        float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, long start, long end, long columns, bool accumulate)
        where T : struct, ILanes<T>
    {
        a += start * aColumn;
        b += start * bRow;
        var count = end - start;
        long j = 0;
        if (T.Count == 16)
        {
            for (; j + (3 * T.Count) < columns; j += 4 * T.Count)
                Multiply4<T>(a, aRow, aColumn, b + j, bRow, c + j, cRow, count, accumulate);
        }

        for (; j + T.Count < columns; j += 2 * T.Count)
            Multiply2<T>(a, aRow, aColumn, b + j, bRow, c + j, cRow, count, accumulate);
        for (; j < columns; j += T.Count)
            Multiply1<T>(a, aRow, aColumn, b + j, bRow, c + j, cRow, count, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply4<T>(
        float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, long count, bool accumulate)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0);
        T c00 = zero, c01 = zero, c02 = zero, c03 = zero;
        T c10 = zero, c11 = zero, c12 = zero, c13 = zero;
        T c20 = zero, c21 = zero, c22 = zero, c23 = zero;
        T c30 = zero, c31 = zero, c32 = zero, c33 = zero;
        if (accumulate)
        {
            c00 = T.Load(c);
            c01 = T.Load(c + T.Count);
            c02 = T.Load(c + (2 * T.Count));
            c03 = T.Load(c + (3 * T.Count));
            c10 = T.Load(c + cRow);
            c11 = T.Load(c + cRow + T.Count);
            c12 = T.Load(c + cRow + (2 * T.Count));
            c13 = T.Load(c + cRow + (3 * T.Count));
            c20 = T.Load(c + (2 * cRow));
            c21 = T.Load(c + (2 * cRow) + T.Count);
            c22 = T.Load(c + (2 * cRow) + (2 * T.Count));
            c23 = T.Load(c + (2 * cRow) + (3 * T.Count));
            c30 = T.Load(c + (3 * cRow));
            c31 = T.Load(c + (3 * cRow) + T.Count);
            c32 = T.Load(c + (3 * cRow) + (2 * T.Count));
            c33 = T.Load(c + (3 * cRow) + (3 * T.Count));
        }

        for (long k = 0; k < count; k++)
        {
            var b0 = T.Load(b);
            var b1 = T.Load(b + T.Count);
            var b2 = T.Load(b + (2 * T.Count));
            var b3 = T.Load(b + (3 * T.Count));
            var a0 = T.Splat(a[0]);
            c00 = T.MultiplyAdd(a0, b0, c00);
            c01 = T.MultiplyAdd(a0, b1, c01);
            c02 = T.MultiplyAdd(a0, b2, c02);
            c03 = T.MultiplyAdd(a0, b3, c03);
            var a1 = T.Splat(a[aRow]);
            c10 = T.MultiplyAdd(a1, b0, c10);
            c11 = T.MultiplyAdd(a1, b1, c11);
            c12 = T.MultiplyAdd(a1, b2, c12);
            c13 = T.MultiplyAdd(a1, b3, c13);
            var a2 = T.Splat(a[2 * aRow]);
            c20 = T.MultiplyAdd(a2, b0, c20);
            c21 = T.MultiplyAdd(a2, b1, c21);
            c22 = T.MultiplyAdd(a2, b2, c22);
            c23 = T.MultiplyAdd(a2, b3, c23);
            var a3 = T.Splat(a[3 * aRow]);
            c30 = T.MultiplyAdd(a3, b0, c30);
            c31 = T.MultiplyAdd(a3, b1, c31);
            c32 = T.MultiplyAdd(a3, b2, c32);
            c33 = T.MultiplyAdd(a3, b3, c33);
            a += aColumn;
            b += bRow;
        }

        T.Store(c00, c);
        T.Store(c01, c + T.Count);
        T.Store(c02, c + (2 * T.Count));
        T.Store(c03, c + (3 * T.Count));
        T.Store(c10, c + cRow);
        T.Store(c11, c + cRow + T.Count);
        T.Store(c12, c + cRow + (2 * T.Count));
        T.Store(c13, c + cRow + (3 * T.Count));
        T.Store(c20, c + (2 * cRow));
        T.Store(c21, c + (2 * cRow) + T.Count);
        T.Store(c22, c + (2 * cRow) + (2 * T.Count));
        T.Store(c23, c + (2 * cRow) + (3 * T.Count));
        T.Store(c30, c + (3 * cRow));
        T.Store(c31, c + (3 * cRow) + T.Count);
        T.Store(c32, c + (3 * cRow) + (2 * T.Count));
        T.Store(c33, c + (3 * cRow) + (3 * T.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply2<T>(
        float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, long count, bool accumulate)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0);
        T c00 = zero, c01 = zero;
        T c10 = zero, c11 = zero;
        T c20 = zero, c21 = zero;
        T c30 = zero, c31 = zero;
        if (accumulate)
        {
            c00 = T.Load(c);
            c01 = T.Load(c + T.Count);
            c10 = T.Load(c + cRow);
            c11 = T.Load(c + cRow + T.Count);
            c20 = T.Load(c + (2 * cRow));
            c21 = T.Load(c + (2 * cRow) + T.Count);
            c30 = T.Load(c + (3 * cRow));
            c31 = T.Load(c + (3 * cRow) + T.Count);
        }

        for (long k = 0; k < count; k++)
        {
            var b0 = T.Load(b);
            var b1 = T.Load(b + T.Count);
            var a0 = T.Splat(a[0]);
            c00 = T.MultiplyAdd(a0, b0, c00);
            c01 = T.MultiplyAdd(a0, b1, c01);
            var a1 = T.Splat(a[aRow]);
            c10 = T.MultiplyAdd(a1, b0, c10);
            c11 = T.MultiplyAdd(a1, b1, c11);
            var a2 = T.Splat(a[2 * aRow]);
            c20 = T.MultiplyAdd(a2, b0, c20);
            c21 = T.MultiplyAdd(a2, b1, c21);
            var a3 = T.Splat(a[3 * aRow]);
            c30 = T.MultiplyAdd(a3, b0, c30);
            c31 = T.MultiplyAdd(a3, b1, c31);
            a += aColumn;
            b += bRow;
        }

        T.Store(c00, c);
        T.Store(c01, c + T.Count);
        T.Store(c10, c + cRow);
        T.Store(c11, c + cRow + T.Count);
        T.Store(c20, c + (2 * cRow));
        T.Store(c21, c + (2 * cRow) + T.Count);
        T.Store(c30, c + (3 * cRow));
        T.Store(c31, c + (3 * cRow) + T.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply1<T>(
        float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, long count, bool accumulate)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0);
        T c00 = zero;
        T c10 = zero;
        T c20 = zero;
        T c30 = zero;
        if (accumulate)
        {
            c00 = T.Load(c);
            c10 = T.Load(c + cRow);
            c20 = T.Load(c + (2 * cRow));
            c30 = T.Load(c + (3 * cRow));
        }

        for (long k = 0; k < count; k++)
        {
            var b0 = T.Load(b);
            var a0 = T.Splat(a[0]);
            c00 = T.MultiplyAdd(a0, b0, c00);
            var a1 = T.Splat(a[aRow]);
            c10 = T.MultiplyAdd(a1, b0, c10);
            var a2 = T.Splat(a[2 * aRow]);
            c20 = T.MultiplyAdd(a2, b0, c20);
            var a3 = T.Splat(a[3 * aRow]);
            c30 = T.MultiplyAdd(a3, b0, c30);
            a += aColumn;
            b += bRow;
        }

        T.Store(c00, c);
        T.Store(c10, c + cRow);
        T.Store(c20, c + (2 * cRow));
        T.Store(c30, c + (3 * cRow));
    }
}
