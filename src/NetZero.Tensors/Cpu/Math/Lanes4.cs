using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>4 floats in one 128-bit vector.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Lanes4(Vector128<float> value) : ILanes<Lanes4>
{
    public readonly Vector128<float> Value = value;

    /// <summary>Whether the machine computes 4 lanes at once.</summary>
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Splat(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 SplatBits(uint bits) => new(Vector128.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes4 value, float* target) => value.Value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 LoadFirst(float* source, long count)
    {
        if (Avx.IsSupported)
            return new(Avx.MaskLoad(source, First(count).Value));
        var value = Vector128<float>.Zero;
        if (count > 0)
            value = value.WithElement(0, source[0]);
        if (count > 1)
            value = value.WithElement(1, source[1]);
        if (count > 2)
            value = value.WithElement(2, source[2]);
        return new(count > 3 ? value.WithElement(3, source[3]) : value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Lanes4 value, float* target, long count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(target, First(count).Value, value.Value);
            return;
        }

        if (count > 0)
            target[0] = value.Value.GetElement(0);
        if (count > 1)
            target[1] = value.Value.GetElement(1);
        if (count > 2)
            target[2] = value.Value.GetElement(2);
        if (count > 3)
            target[3] = value.Value.GetElement(3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 First(long count) => new(Vector128.GreaterThan(Vector128.Create((int)count), Vector128<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAround(Lanes4 value, float* target) => value.Value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator +(Lanes4 a, Lanes4 b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator -(Lanes4 a, Lanes4 b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator *(Lanes4 a, Lanes4 b) => new(a.Value * b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator /(Lanes4 a, Lanes4 b) => new(a.Value / b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 MultiplyAdd(Lanes4 a, Lanes4 b, Lanes4 c) => new(Vector128.MultiplyAddEstimate(a.Value, b.Value, c.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Sqrt(Lanes4 a) => new(Vector128.Sqrt(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Max(Lanes4 a, Lanes4 b) => new(Vector128.Max(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 MaxNative(Lanes4 a, Lanes4 b) => new(Vector128.MaxNative(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Min(Lanes4 a, Lanes4 b) => new(Vector128.Min(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator &(Lanes4 a, Lanes4 b) => new(a.Value & b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator |(Lanes4 a, Lanes4 b) => new(a.Value | b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator ^(Lanes4 a, Lanes4 b) => new(a.Value ^ b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator <(Lanes4 a, Lanes4 b) => new(Vector128.LessThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator >(Lanes4 a, Lanes4 b) => new(Vector128.GreaterThan(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Equal(Lanes4 a, Lanes4 b) => new(Vector128.Equals(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Select(Lanes4 mask, Lanes4 whenSet, Lanes4 whenClear) =>
        new(Vector128.ConditionalSelect(mask.Value, whenSet.Value, whenClear.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 AddBits(Lanes4 a, Lanes4 b) => new((a.Value.AsInt32() + b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 SubtractBits(Lanes4 a, Lanes4 b) => new((a.Value.AsInt32() - b.Value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 ShiftLeftBits(Lanes4 a, int count) => new((a.Value.AsInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 ShiftRightBits(Lanes4 a, int count) => new((a.Value.AsInt32() >> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 FloatOfBits(Lanes4 a) => new(Vector128.ConvertToSingle(a.Value.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 LoadSignedBytes(sbyte* source) => new(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(source)).AsSByte())).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSignedBytes(Lanes4 bits, sbyte* target)
    {
        var words = Vector128.NarrowWithSaturation(bits.Value.AsInt32(), bits.Value.AsInt32());
        Unsafe.WriteUnaligned(target, Vector128.NarrowWithSaturation(words, words).AsInt32().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 ScaleByPowerOfTwo(Lanes4 a, Lanes4 n) =>
        Avx512F.VL.IsSupported ? new(Avx512F.VL.Scale(a.Value, n.Value)) : VectorMath.ScaleInTwoSteps(a, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes4 a) => (a.Value[0] + a.Value[2]) + (a.Value[1] + a.Value[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes4 a) => MathF.Max(MathF.Max(a.Value[0], a.Value[2]), MathF.Max(a.Value[1], a.Value[3]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxNativeAcross(Lanes4 a) =>
        float.MaxNative(float.MaxNative(a.Value[0], a.Value[2]), float.MaxNative(a.Value[1], a.Value[3]));
}
