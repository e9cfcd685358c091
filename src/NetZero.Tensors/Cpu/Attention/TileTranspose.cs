using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>target[c, r] = source[r, c] in blocks of 4 x 4 that are turned in registers.</summary>
internal static unsafe class TileTranspose
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, long sourceStride, long rows, long columns, float* target, long targetStride)
    {
        long r = 0;
        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
        {
            for (; r <= rows - 4; r += 4)
            {
                long c = 0;
                for (; c <= columns - 4; c += 4)
                    Block(source + (r * sourceStride) + c, sourceStride, target + (c * targetStride) + r, targetStride);
                Scalar(source + (r * sourceStride) + c, sourceStride, 4, columns - c, target + (c * targetStride) + r, targetStride);
            }
        }

        Scalar(source + (r * sourceStride), sourceStride, rows - r, columns, target + r, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scalar(float* source, long sourceStride, long rows, long columns, float* target, long targetStride)
    {
        for (long r = 0; r < rows; r++)
        {
            for (long c = 0; c < columns; c++)
                target[(c * targetStride) + r] = source[(r * sourceStride) + c];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(float* source, long sourceStride, float* target, long targetStride)
    {
        var a = Vector128.Load(source);
        var b = Vector128.Load(source + sourceStride);
        var c = Vector128.Load(source + (2 * sourceStride));
        var d = Vector128.Load(source + (3 * sourceStride));
        var (ac0, ac1) = Interleave(a, c);
        var (bd0, bd1) = Interleave(b, d);
        var (t0, t1) = Interleave(ac0, bd0);
        var (t2, t3) = Interleave(ac1, bd1);
        t0.Store(target);
        t1.Store(target + targetStride);
        t2.Store(target + (2 * targetStride));
        t3.Store(target + (3 * targetStride));
    }

    // (a0 b0 a1 b1), (a2 b2 a3 b3)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> Low, Vector128<float> High) Interleave(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported
            ? (Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b))
            : (AdvSimd.Arm64.ZipLow(a, b), AdvSimd.Arm64.ZipHigh(a, b));
}
