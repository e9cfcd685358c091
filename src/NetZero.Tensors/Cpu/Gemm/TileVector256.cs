using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors;

/// <summary>AVX with FMA: 16 registers, so tiles of 6 rows.</summary>
internal readonly unsafe struct TileVector256 : ITileVector<Vector256<float>>
{
    public static bool IsSupported => Avx.IsSupported && Fma.IsSupported;

    public static int Width => 8;

    public static int Rows => 6;

    public static bool ReadsRows => true;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Avx.LoadVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBFloat16(ushort* source) => Avx2.IsSupported
        ? Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(source), 16).AsSingle()
        : Vector256.Create(TileVector128.LoadBFloat16(source), TileVector128.LoadBFloat16(source + 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* target) => Avx.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* source) => Avx.BroadcastScalarToVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => Avx.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Fma.MultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(
        float* group0, float* group1, float* group2, float* group3, long stride, float* target, long targetStride)
    {
        var stride3 = 3 * stride;
        var rows0 = Gather(group0, group1);
        var rows1 = Gather(group0 + stride, group1 + stride);
        var rows2 = Gather(group0 + 2 * stride, group1 + 2 * stride);
        var rows3 = Gather(group0 + stride3, group1 + stride3);

        // A 4 x 4 transpose in both 128-bit lanes.
        var low01 = Avx.UnpackLow(rows0, rows1).AsDouble();
        var low23 = Avx.UnpackLow(rows2, rows3).AsDouble();
        var high01 = Avx.UnpackHigh(rows0, rows1).AsDouble();
        var high23 = Avx.UnpackHigh(rows2, rows3).AsDouble();
        Avx.Store(target, Avx.UnpackLow(low01, low23).AsSingle());
        Avx.Store(target + targetStride, Avx.UnpackHigh(low01, low23).AsSingle());
        Avx.Store(target + 2 * targetStride, Avx.UnpackLow(high01, high23).AsSingle());
        Avx.Store(target + 3 * targetStride, Avx.UnpackHigh(high01, high23).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Gather(float* a, float* b) =>
        Avx.InsertVector128(Sse.LoadVector128(a).ToVector256Unsafe(), Sse.LoadVector128(b), 1);
}
