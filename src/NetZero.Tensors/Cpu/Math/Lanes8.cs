using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>8 floats in one 256-bit vector.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Lanes8(Vector256<float> value) : ILanes<Lanes8>
{
    public readonly Vector256<float> Value = value;

    /// <summary>Whether the machine computes 8 lanes at once.</summary>
    public static bool IsSupported => Vector256.IsHardwareAccelerated;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Splat(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 SplatBits(uint bits) => new(Vector256.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes8 value, float* target) => value.Value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 LoadFirst(float* source, long count) => new(Avx.MaskLoad(source, First(count).Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Lanes8 value, float* target, long count) => Avx.MaskStore(target, First(count).Value, value.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 First(long count) => new(Vector256.GreaterThan(Vector256.Create((int)count), Vector256<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAround(Lanes8 value, float* target) => value.Value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator +(Lanes8 a, Lanes8 b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator -(Lanes8 a, Lanes8 b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator *(Lanes8 a, Lanes8 b) => new(a.Value * b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator /(Lanes8 a, Lanes8 b) => new(a.Value / b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MultiplyAdd(Lanes8 a, Lanes8 b, Lanes8 c) => new(Vector256.MultiplyAddEstimate(a.Value, b.Value, c.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Sqrt(Lanes8 a) => new(Vector256.Sqrt(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Max(Lanes8 a, Lanes8 b) => new(Vector256.Max(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MaxNative(Lanes8 a, Lanes8 b) => new(Vector256.MaxNative(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Min(Lanes8 a, Lanes8 b) => new(Vector256.Min(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator &(Lanes8 a, Lanes8 b) => new(a.Value & b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator |(Lanes8 a, Lanes8 b) => new(a.Value | b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator ^(Lanes8 a, Lanes8 b) => new(a.Value ^ b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator <(Lanes8 a, Lanes8 b) => new(Vector256.LessThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator >(Lanes8 a, Lanes8 b) => new(Vector256.GreaterThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Equal(Lanes8 a, Lanes8 b) => new(Vector256.Equals(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Select(Lanes8 mask, Lanes8 whenSet, Lanes8 whenClear) =>
        new(Vector256.ConditionalSelect(mask.Value, whenSet.Value, whenClear.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 AddBits(Lanes8 a, Lanes8 b) => new((a.Value.AsInt32() + b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 SubtractBits(Lanes8 a, Lanes8 b) => new((a.Value.AsInt32() - b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 ShiftLeftBits(Lanes8 a, int count) => new((a.Value.AsInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 ShiftRightBits(Lanes8 a, int count) => new((a.Value.AsInt32() >> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 FloatOfBits(Lanes8 a) => new(Vector256.ConvertToSingle(a.Value.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 LoadSignedBytes(sbyte* source) => new((Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsSByte())
        : Vector256.Create(
            Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsSByte())),
            Vector128.WidenUpper(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsSByte())))).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSignedBytes(Lanes8 bits, sbyte* target)
    {
        var words = Vector128.NarrowWithSaturation(bits.Value.GetLower().AsInt32(), bits.Value.GetUpper().AsInt32());
        Unsafe.WriteUnaligned(target, Vector128.NarrowWithSaturation(words, words).AsInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 ScaleByPowerOfTwo(Lanes8 a, Lanes8 n) =>
        Avx512F.VL.IsSupported ? new(Avx512F.VL.Scale(a.Value, n.Value)) : VectorMath.ScaleInTwoSteps(a, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes8 a) => Lanes4.Sum(new(a.Value.GetLower() + a.Value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes8 a) => Lanes4.MaxAcross(new(Vector128.Max(a.Value.GetLower(), a.Value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxNativeAcross(Lanes8 a) =>
        Lanes4.MaxNativeAcross(new(Vector128.MaxNative(a.Value.GetLower(), a.Value.GetUpper())));
}
