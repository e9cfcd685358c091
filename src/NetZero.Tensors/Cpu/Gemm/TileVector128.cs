using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors;

/// <summary>128-bit vectors: Arm (32 registers, fused) and x64 without AVX (16 registers, multiply then add).</summary>
internal readonly unsafe struct TileVector128 : ITileVector<Vector128<float>>
{
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static int Width => 4;

    public static int Rows => AdvSimd.Arm64.IsSupported ? 12 : 6;

    public static bool ReadsRows => Rows == 6;

    public static Vector128<float> Zero => Vector128<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBFloat16(ushort* source) =>
        (Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* source) => Vector128.Create(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        AdvSimd.IsSupported ? AdvSimd.FusedMultiplyAdd(addend, left, right) : left * right + addend;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(
        float* group0, float* group1, float* group2, float* group3, long stride, float* target, long targetStride)
    {
        var row0 = Vector128.Load(group0);
        var row1 = Vector128.Load(group0 + stride);
        var row2 = Vector128.Load(group0 + 2 * stride);
        var row3 = Vector128.Load(group0 + 3 * stride);
        var low01 = Low(row0, row1).AsDouble();
        var low23 = Low(row2, row3).AsDouble();
        var high01 = High(row0, row1).AsDouble();
        var high23 = High(row2, row3).AsDouble();
        Low(low01, low23).AsSingle().Store(target);
        High(low01, low23).AsSingle().Store(target + targetStride);
        Low(high01, high23).AsSingle().Store(target + 2 * targetStride);
        High(high01, high23).AsSingle().Store(target + 3 * targetStride);
    }

    // Interleaves the lower halves: a0 b0 a1 b1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    // Interleaves the upper halves: a2 b2 a3 b3.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> a, Vector128<double> b) => Vector128.Create(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> a, Vector128<double> b) => Vector128.Create(a.GetUpper(), b.GetUpper());
}
