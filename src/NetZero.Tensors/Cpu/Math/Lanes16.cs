using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>16 floats in one 512-bit vector.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Lanes16(Vector512<float> value) : ILanes<Lanes16>
{
    public readonly Vector512<float> Value = value;

    /// <summary>Whether the machine computes 16 lanes at once.</summary>
    /// <remarks>
    /// Not <c>Vector512.IsHardwareAccelerated</c>: that is false on processors of the first AVX-512 generations, where .NET prefers 256
    /// bits
    /// for code that is not hot. Ours is.
    /// </remarks>
    public static bool IsSupported => Avx512F.IsSupported;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Splat(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 SplatBits(uint bits) => new(Vector512.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16 value, float* target) => value.Value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 LoadFirst(float* source, long count) => new(Avx512F.MaskLoad(source, First(count).Value, Vector512<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Lanes16 value, float* target, long count) => Avx512F.MaskStore(target, First(count).Value, value.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 First(long count) => new(Vector512.GreaterThan(Vector512.Create((int)count), Vector512<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAround(Lanes16 value, float* target) => value.Value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator +(Lanes16 a, Lanes16 b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator -(Lanes16 a, Lanes16 b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator *(Lanes16 a, Lanes16 b) => new(a.Value * b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator /(Lanes16 a, Lanes16 b) => new(a.Value / b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MultiplyAdd(Lanes16 a, Lanes16 b, Lanes16 c) => new(Vector512.MultiplyAddEstimate(a.Value, b.Value, c.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Sqrt(Lanes16 a) => new(Vector512.Sqrt(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Max(Lanes16 a, Lanes16 b) => new(Vector512.Max(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MaxNative(Lanes16 a, Lanes16 b) => new(Vector512.MaxNative(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Min(Lanes16 a, Lanes16 b) => new(Vector512.Min(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator &(Lanes16 a, Lanes16 b) => new(a.Value & b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator |(Lanes16 a, Lanes16 b) => new(a.Value | b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator ^(Lanes16 a, Lanes16 b) => new(a.Value ^ b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator <(Lanes16 a, Lanes16 b) => new(Vector512.LessThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator >(Lanes16 a, Lanes16 b) => new(Vector512.GreaterThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Equal(Lanes16 a, Lanes16 b) => new(Vector512.Equals(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Select(Lanes16 mask, Lanes16 whenSet, Lanes16 whenClear) =>
        new(Vector512.ConditionalSelect(mask.Value, whenSet.Value, whenClear.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 AddBits(Lanes16 a, Lanes16 b) => new((a.Value.AsInt32() + b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 SubtractBits(Lanes16 a, Lanes16 b) => new((a.Value.AsInt32() - b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 ShiftLeftBits(Lanes16 a, int count) => new((a.Value.AsInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 ShiftRightBits(Lanes16 a, int count) => new((a.Value.AsInt32() >> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 FloatOfBits(Lanes16 a) => new(Vector512.ConvertToSingle(a.Value.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 LoadSignedBytes(sbyte* source) => new(Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSignedBytes(Lanes16 bits, sbyte* target) => Avx512F.ConvertToVector128SByteWithSaturation(bits.Value.AsInt32()).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 ScaleByPowerOfTwo(Lanes16 a, Lanes16 n) =>
        Avx512F.IsSupported ? new(Avx512F.Scale(a.Value, n.Value)) : VectorMath.ScaleInTwoSteps(a, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes16 a) => Lanes8.Sum(new(a.Value.GetLower() + a.Value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes16 a) => Lanes8.MaxAcross(new(Vector256.Max(a.Value.GetLower(), a.Value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxNativeAcross(Lanes16 a) =>
        Lanes8.MaxNativeAcross(new(Vector256.MaxNative(a.Value.GetLower(), a.Value.GetUpper())));
}
