using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>
/// The register tiles: C[r, 2w] (+)= A[r, k] · B[k, 2w] (+ bias[2w]) for r = 12, 8, 6, 4 and 1 rows and vectors of w floats.
/// </summary>
/// <remarks>
/// Element (i, p) of A is <c>a[p * r + i]</c> for 12 and 8 rows and <c>a[i * rowStride + p * columnStride]</c> for fewer, so that these read A packed
/// (strides 1 and r) or as its rows lie; row p of B is <c>b + p * bStride</c>, row i of C is <c>c + i * cStride</c>. Every
/// tile sums over p in order with the same instructions, so an element has the same bits whichever tile computes it. One accumulator is a
/// local each: the JIT keeps the 24 of the largest tile, two vectors of B and one of A in 27 of the 32 registers.
/// </remarks>
internal static unsafe partial class GemmTile<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows6(
        long k, float* a, long rowStride, long columnStride, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        TVector c00 = T.Zero, c01 = T.Zero;
        TVector c10 = T.Zero, c11 = T.Zero;
        TVector c20 = T.Zero, c21 = T.Zero;
        TVector c30 = T.Zero, c31 = T.Zero;
        TVector c40 = T.Zero, c41 = T.Zero;
        TVector c50 = T.Zero, c51 = T.Zero;

        // Note: when C is asked for. At the start its lines stand in the way of the first rows of B, which come from the second-level cache; at
        // the end they are late. So three quarters of the steps run first (1 to 2 % at 512^3).
        var steps = k / 16 * 12;
        var last = k - steps;
        while (true)
        {
            for (; steps >= 4; steps -= 4)
            {
                Step6(
                    ref a, rowStride, columnStride, ref b, bStride,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                Step6(
                    ref a, rowStride, columnStride, ref b, bStride,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                Step6(
                    ref a, rowStride, columnStride, ref b, bStride,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                Step6(
                    ref a, rowStride, columnStride, ref b, bStride,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
            }

            for (; steps > 0; steps--)
            {
                Step6(
                    ref a, rowStride, columnStride, ref b, bStride,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
            }

            if (last == 0)
                break;
            Prefetch(6, c, cStride);
            (steps, last) = (last, 0);
        }

        Finish(c00, c01, c, add, bias);
        c += cStride;
        Finish(c10, c11, c, add, bias);
        c += cStride;
        Finish(c20, c21, c, add, bias);
        c += cStride;
        Finish(c30, c31, c, add, bias);
        c += cStride;
        Finish(c40, c41, c, add, bias);
        c += cStride;
        Finish(c50, c51, c, add, bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows4(
        long k, float* a, long rowStride, long columnStride, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        Prefetch(4, c, cStride);
        long row2 = 2 * rowStride, row3 = 3 * rowStride;
        TVector x, b0, b1;
        TVector c00 = T.Zero, c01 = T.Zero;
        TVector c10 = T.Zero, c11 = T.Zero;
        TVector c20 = T.Zero, c21 = T.Zero;
        TVector c30 = T.Zero, c31 = T.Zero;
        for (; k > 0; k--)
        {
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            x = T.Broadcast(a);
            c00 = T.MultiplyAdd(x, b0, c00);
            c01 = T.MultiplyAdd(x, b1, c01);
            x = T.Broadcast(a + rowStride);
            c10 = T.MultiplyAdd(x, b0, c10);
            c11 = T.MultiplyAdd(x, b1, c11);
            x = T.Broadcast(a + row2);
            c20 = T.MultiplyAdd(x, b0, c20);
            c21 = T.MultiplyAdd(x, b1, c21);
            x = T.Broadcast(a + row3);
            c30 = T.MultiplyAdd(x, b0, c30);
            c31 = T.MultiplyAdd(x, b1, c31);
            a += columnStride;
            b += bStride;
        }

        Finish(c00, c01, c, add, bias);
        c += cStride;
        Finish(c10, c11, c, add, bias);
        c += cStride;
        Finish(c20, c21, c, add, bias);
        c += cStride;
        Finish(c30, c31, c, add, bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows1(
        long k, float* a, long rowStride, long columnStride, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        Prefetch(1, c, cStride);
        TVector x, b0, b1;
        TVector c00 = T.Zero, c01 = T.Zero;
        for (; k > 0; k--)
        {
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            x = T.Broadcast(a);
            c00 = T.MultiplyAdd(x, b0, c00);
            c01 = T.MultiplyAdd(x, b1, c01);
            a += columnStride;
            b += bStride;
        }

        Finish(c00, c01, c, add, bias);
    }

    // One product of each sum. Inlined, the references become the locals that they refer to.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step6(
        ref float* a, long rowStride, long columnStride, ref float* b, long bStride,
        ref TVector c00, ref TVector c01, ref TVector c10, ref TVector c11, ref TVector c20, ref TVector c21,
        ref TVector c30, ref TVector c31, ref TVector c40, ref TVector c41, ref TVector c50, ref TVector c51)
    {
        var b0 = T.Load(b);
        var b1 = T.Load(b + T.Width);
        var x = T.Broadcast(a);
        c00 = T.MultiplyAdd(x, b0, c00);
        c01 = T.MultiplyAdd(x, b1, c01);
        x = T.Broadcast(a + rowStride);
        c10 = T.MultiplyAdd(x, b0, c10);
        c11 = T.MultiplyAdd(x, b1, c11);
        x = T.Broadcast(a + 2 * rowStride);
        c20 = T.MultiplyAdd(x, b0, c20);
        c21 = T.MultiplyAdd(x, b1, c21);
        x = T.Broadcast(a + 3 * rowStride);
        c30 = T.MultiplyAdd(x, b0, c30);
        c31 = T.MultiplyAdd(x, b1, c31);
        x = T.Broadcast(a + 4 * rowStride);
        c40 = T.MultiplyAdd(x, b0, c40);
        c41 = T.MultiplyAdd(x, b1, c41);
        x = T.Broadcast(a + 5 * rowStride);
        c50 = T.MultiplyAdd(x, b0, c50);
        c51 = T.MultiplyAdd(x, b1, c51);
        a += columnStride;
        b += bStride;
    }

    // The sums take longer to compute than C takes to arrive from memory. Also where C is only written: a write waits for its line too, and
    // while many wait, loads of B wait with them (1 to 5 % of the small shapes). One float of each line is enough: where rows of C do not begin
    // with a line, the tile to the left has asked for the first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(int rows, float* c, long cStride)
    {
        const int line = 16;
        for (var i = 0; i < rows; i++)
        {
            for (var p = 2 * T.Width - 1; p >= 0; p -= line)
                T.Prefetch(c + p);
            c += cStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(TVector sum0, TVector sum1, float* c, bool add, float* bias)
    {
        if (add)
        {
            sum0 = T.Add(T.Load(c), sum0);
            sum1 = T.Add(T.Load(c + T.Width), sum1);
        }

        if (bias != null)
        {
            sum0 = T.Add(sum0, T.Load(bias));
            sum1 = T.Add(sum1, T.Load(bias + T.Width));
        }

        T.Store(sum0, c);
        T.Store(sum1, c + T.Width);
    }
}
