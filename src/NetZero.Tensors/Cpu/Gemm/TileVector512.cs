using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors;

/// <summary>AVX-512.</summary>
/// <remarks>
/// Named instructions rather than <c>Vector512.*</c>: on processors that lower their clock for wide vectors (Skylake-X, Cascade Lake) the
/// runtime reports <c>Vector512.IsHardwareAccelerated</c> as false and would emulate those, yet matrix multiply is still faster wide.
/// </remarks>
internal readonly unsafe struct TileVector512 : ITileVector<Vector512<float>>
{
    public static bool IsSupported => Avx512F.IsSupported;

    public static int Width => 16;

    public static int Rows => 12;

    public static bool ReadsRows => false;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Avx512F.LoadVector512(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBFloat16(ushort* source) =>
        Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Vector256.Load(source)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* target) => Avx512F.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* source) =>
        Avx512F.BroadcastScalarToVector512(Vector128.CreateScalarUnsafe(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => Avx512F.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Avx512F.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(
        float* group0, float* group1, float* group2, float* group3, long stride, float* target, long targetStride)
    {
        // Row r of each group in one register: inserts from memory leave the shuffle port free for the 8 shuffles below.
        var rows0 = Gather(group0, group1, group2, group3);
        var rows1 = Gather(group0 + stride, group1 + stride, group2 + stride, group3 + stride);
        var rows2 = Gather(group0 + 2 * stride, group1 + 2 * stride, group2 + 2 * stride, group3 + 2 * stride);
        var stride3 = 3 * stride;
        var rows3 = Gather(group0 + stride3, group1 + stride3, group2 + stride3, group3 + stride3);

        // A 4 x 4 transpose in every 128-bit lane.
        var low01 = Avx512F.UnpackLow(rows0, rows1).AsDouble();
        var low23 = Avx512F.UnpackLow(rows2, rows3).AsDouble();
        var high01 = Avx512F.UnpackHigh(rows0, rows1).AsDouble();
        var high23 = Avx512F.UnpackHigh(rows2, rows3).AsDouble();
        Avx512F.Store(target, Avx512F.UnpackLow(low01, low23).AsSingle());
        Avx512F.Store(target + targetStride, Avx512F.UnpackHigh(low01, low23).AsSingle());
        Avx512F.Store(target + 2 * targetStride, Avx512F.UnpackLow(high01, high23).AsSingle());
        Avx512F.Store(target + 3 * targetStride, Avx512F.UnpackHigh(high01, high23).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gather(float* a, float* b, float* c, float* d)
    {
        var value = Sse.LoadVector128(a).ToVector256Unsafe().ToVector512Unsafe();
        value = Avx512F.InsertVector128(value, Sse.LoadVector128(b), 1);
        value = Avx512F.InsertVector128(value, Sse.LoadVector128(c), 2);
        return Avx512F.InsertVector128(value, Sse.LoadVector128(d), 3);
    }
}
