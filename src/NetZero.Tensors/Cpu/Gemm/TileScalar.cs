using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>One float at a time, for machines without any vector support: multiply, round, add, round.</summary>
internal readonly unsafe struct TileScalar : ITileVector<float>
{
    public static int Width => 1;

    public static int Rows => 6;

    public static bool ReadsRows => true;

    public static float Zero => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadBFloat16(ushort* source) => BitConverter.UInt32BitsToSingle((uint)*source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, float* target) => *target = value;

    public static void Prefetch(float* address)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Broadcast(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float left, float right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float left, float right, float addend) => left * right + addend;

    public static void Transpose(
        float* group0, float* group1, float* group2, float* group3, long stride, float* target, long targetStride) =>
        throw new UnreachableException("Packing transposes groups of 4 rows only when a vector holds at least 4 floats.");
}
