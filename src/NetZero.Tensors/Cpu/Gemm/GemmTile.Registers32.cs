using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

// Tiles for 32 registers.
//
// Note: instructions and loads of the largest tile. A processor starts 4 instructions and 2 loads a cycle, and 24 multiply-adds take 12 cycles. With each
// element of A loaded into a register they are 38 instructions and 14 loads; an element that both multiply-adds read from memory themselves
// (AVX-512 repeats it on the way) saves one instruction and costs one load. Three rows of twelve do that, and the loop is unrolled once: 35
// and 17, where a neighbour on the same core costs least. All twelve would wait for loads. The second pointer to A,
// again, has the same value and keeps the JIT from joining the two loads into one.
internal static unsafe partial class GemmTile<T, TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows12(
        long k, float* a, float* again, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        Prefetch(12, c, cStride);
        TVector x, b0, b1;
        TVector c00 = T.Zero, c01 = T.Zero;
        TVector c10 = T.Zero, c11 = T.Zero;
        TVector c20 = T.Zero, c21 = T.Zero;
        TVector c30 = T.Zero, c31 = T.Zero;
        TVector c40 = T.Zero, c41 = T.Zero;
        TVector c50 = T.Zero, c51 = T.Zero;
        TVector c60 = T.Zero, c61 = T.Zero;
        TVector c70 = T.Zero, c71 = T.Zero;
        TVector c80 = T.Zero, c81 = T.Zero;
        TVector c90 = T.Zero, c91 = T.Zero;
        TVector c100 = T.Zero, c101 = T.Zero;
        TVector c110 = T.Zero, c111 = T.Zero;
        for (; k > 1; k -= 2)
        {
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            c00 = T.MultiplyAdd(T.Broadcast(a), b0, c00);
            c01 = T.MultiplyAdd(T.Broadcast(again), b1, c01);
            x = T.Broadcast(a + 1);
            c10 = T.MultiplyAdd(x, b0, c10);
            c11 = T.MultiplyAdd(x, b1, c11);
            x = T.Broadcast(a + 2);
            c20 = T.MultiplyAdd(x, b0, c20);
            c21 = T.MultiplyAdd(x, b1, c21);
            x = T.Broadcast(a + 3);
            c30 = T.MultiplyAdd(x, b0, c30);
            c31 = T.MultiplyAdd(x, b1, c31);
            c40 = T.MultiplyAdd(T.Broadcast(a + 4), b0, c40);
            c41 = T.MultiplyAdd(T.Broadcast(again + 4), b1, c41);
            x = T.Broadcast(a + 5);
            c50 = T.MultiplyAdd(x, b0, c50);
            c51 = T.MultiplyAdd(x, b1, c51);
            x = T.Broadcast(a + 6);
            c60 = T.MultiplyAdd(x, b0, c60);
            c61 = T.MultiplyAdd(x, b1, c61);
            x = T.Broadcast(a + 7);
            c70 = T.MultiplyAdd(x, b0, c70);
            c71 = T.MultiplyAdd(x, b1, c71);
            c80 = T.MultiplyAdd(T.Broadcast(a + 8), b0, c80);
            c81 = T.MultiplyAdd(T.Broadcast(again + 8), b1, c81);
            x = T.Broadcast(a + 9);
            c90 = T.MultiplyAdd(x, b0, c90);
            c91 = T.MultiplyAdd(x, b1, c91);
            x = T.Broadcast(a + 10);
            c100 = T.MultiplyAdd(x, b0, c100);
            c101 = T.MultiplyAdd(x, b1, c101);
            x = T.Broadcast(a + 11);
            c110 = T.MultiplyAdd(x, b0, c110);
            c111 = T.MultiplyAdd(x, b1, c111);
            b += bStride;
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            c00 = T.MultiplyAdd(T.Broadcast(a + 12), b0, c00);
            c01 = T.MultiplyAdd(T.Broadcast(again + 12), b1, c01);
            x = T.Broadcast(a + 13);
            c10 = T.MultiplyAdd(x, b0, c10);
            c11 = T.MultiplyAdd(x, b1, c11);
            x = T.Broadcast(a + 14);
            c20 = T.MultiplyAdd(x, b0, c20);
            c21 = T.MultiplyAdd(x, b1, c21);
            x = T.Broadcast(a + 15);
            c30 = T.MultiplyAdd(x, b0, c30);
            c31 = T.MultiplyAdd(x, b1, c31);
            c40 = T.MultiplyAdd(T.Broadcast(a + 16), b0, c40);
            c41 = T.MultiplyAdd(T.Broadcast(again + 16), b1, c41);
            x = T.Broadcast(a + 17);
            c50 = T.MultiplyAdd(x, b0, c50);
            c51 = T.MultiplyAdd(x, b1, c51);
            x = T.Broadcast(a + 18);
            c60 = T.MultiplyAdd(x, b0, c60);
            c61 = T.MultiplyAdd(x, b1, c61);
            x = T.Broadcast(a + 19);
            c70 = T.MultiplyAdd(x, b0, c70);
            c71 = T.MultiplyAdd(x, b1, c71);
            c80 = T.MultiplyAdd(T.Broadcast(a + 20), b0, c80);
            c81 = T.MultiplyAdd(T.Broadcast(again + 20), b1, c81);
            x = T.Broadcast(a + 21);
            c90 = T.MultiplyAdd(x, b0, c90);
            c91 = T.MultiplyAdd(x, b1, c91);
            x = T.Broadcast(a + 22);
            c100 = T.MultiplyAdd(x, b0, c100);
            c101 = T.MultiplyAdd(x, b1, c101);
            x = T.Broadcast(a + 23);
            c110 = T.MultiplyAdd(x, b0, c110);
            c111 = T.MultiplyAdd(x, b1, c111);
            a += 24;
            again += 24;
            b += bStride;
        }

        if (k > 0)
        {
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            x = T.Broadcast(a);
            c00 = T.MultiplyAdd(x, b0, c00);
            c01 = T.MultiplyAdd(x, b1, c01);
            x = T.Broadcast(a + 1);
            c10 = T.MultiplyAdd(x, b0, c10);
            c11 = T.MultiplyAdd(x, b1, c11);
            x = T.Broadcast(a + 2);
            c20 = T.MultiplyAdd(x, b0, c20);
            c21 = T.MultiplyAdd(x, b1, c21);
            x = T.Broadcast(a + 3);
            c30 = T.MultiplyAdd(x, b0, c30);
            c31 = T.MultiplyAdd(x, b1, c31);
            x = T.Broadcast(a + 4);
            c40 = T.MultiplyAdd(x, b0, c40);
            c41 = T.MultiplyAdd(x, b1, c41);
            x = T.Broadcast(a + 5);
            c50 = T.MultiplyAdd(x, b0, c50);
            c51 = T.MultiplyAdd(x, b1, c51);
            x = T.Broadcast(a + 6);
            c60 = T.MultiplyAdd(x, b0, c60);
            c61 = T.MultiplyAdd(x, b1, c61);
            x = T.Broadcast(a + 7);
            c70 = T.MultiplyAdd(x, b0, c70);
            c71 = T.MultiplyAdd(x, b1, c71);
            x = T.Broadcast(a + 8);
            c80 = T.MultiplyAdd(x, b0, c80);
            c81 = T.MultiplyAdd(x, b1, c81);
            x = T.Broadcast(a + 9);
            c90 = T.MultiplyAdd(x, b0, c90);
            c91 = T.MultiplyAdd(x, b1, c91);
            x = T.Broadcast(a + 10);
            c100 = T.MultiplyAdd(x, b0, c100);
            c101 = T.MultiplyAdd(x, b1, c101);
            x = T.Broadcast(a + 11);
            c110 = T.MultiplyAdd(x, b0, c110);
            c111 = T.MultiplyAdd(x, b1, c111);
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
        c += cStride;
        Finish(c60, c61, c, add, bias);
        c += cStride;
        Finish(c70, c71, c, add, bias);
        c += cStride;
        Finish(c80, c81, c, add, bias);
        c += cStride;
        Finish(c90, c91, c, add, bias);
        c += cStride;
        Finish(c100, c101, c, add, bias);
        c += cStride;
        Finish(c110, c111, c, add, bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows8(
        long k, float* a, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        Prefetch(8, c, cStride);
        TVector x, b0, b1;
        TVector c00 = T.Zero, c01 = T.Zero;
        TVector c10 = T.Zero, c11 = T.Zero;
        TVector c20 = T.Zero, c21 = T.Zero;
        TVector c30 = T.Zero, c31 = T.Zero;
        TVector c40 = T.Zero, c41 = T.Zero;
        TVector c50 = T.Zero, c51 = T.Zero;
        TVector c60 = T.Zero, c61 = T.Zero;
        TVector c70 = T.Zero, c71 = T.Zero;
        for (; k > 0; k--)
        {
            b0 = T.Load(b);
            b1 = T.Load(b + T.Width);
            x = T.Broadcast(a);
            c00 = T.MultiplyAdd(x, b0, c00);
            c01 = T.MultiplyAdd(x, b1, c01);
            x = T.Broadcast(a + 1);
            c10 = T.MultiplyAdd(x, b0, c10);
            c11 = T.MultiplyAdd(x, b1, c11);
            x = T.Broadcast(a + 2);
            c20 = T.MultiplyAdd(x, b0, c20);
            c21 = T.MultiplyAdd(x, b1, c21);
            x = T.Broadcast(a + 3);
            c30 = T.MultiplyAdd(x, b0, c30);
            c31 = T.MultiplyAdd(x, b1, c31);
            x = T.Broadcast(a + 4);
            c40 = T.MultiplyAdd(x, b0, c40);
            c41 = T.MultiplyAdd(x, b1, c41);
            x = T.Broadcast(a + 5);
            c50 = T.MultiplyAdd(x, b0, c50);
            c51 = T.MultiplyAdd(x, b1, c51);
            x = T.Broadcast(a + 6);
            c60 = T.MultiplyAdd(x, b0, c60);
            c61 = T.MultiplyAdd(x, b1, c61);
            x = T.Broadcast(a + 7);
            c70 = T.MultiplyAdd(x, b0, c70);
            c71 = T.MultiplyAdd(x, b1, c71);
            a += 8;
            b += bStride;
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
        c += cStride;
        Finish(c60, c61, c, add, bias);
        c += cStride;
        Finish(c70, c71, c, add, bias);
    }
}
