using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// One float: what runs where there is no vector hardware. The same formulas, and the same bits as any other width of the machine.
/// </summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    public readonly float Value = value;

    public static int Count => 1;

    private int Bits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => BitConverter.SingleToInt32Bits(Value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Splat(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 SplatBits(uint bits) => new(BitConverter.UInt32BitsToSingle(bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes1 value, float* target) => *target = value.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 LoadFirst(float* source, long count) => new(count > 0 ? *source : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Lanes1 value, float* target, long count)
    {
        if (count > 0)
            *target = value.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 First(long count) => SplatBits(count > 0 ? uint.MaxValue : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAround(Lanes1 value, float* target) => *target = value.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator +(Lanes1 a, Lanes1 b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator -(Lanes1 a, Lanes1 b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator *(Lanes1 a, Lanes1 b) => new(a.Value * b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator /(Lanes1 a, Lanes1 b) => new(a.Value / b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new(float.MultiplyAddEstimate(a.Value, b.Value, c.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Sqrt(Lanes1 a) => new(MathF.Sqrt(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Max(Lanes1 a, Lanes1 b) => new(MathF.Max(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 MaxNative(Lanes1 a, Lanes1 b) => new(float.MaxNative(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Min(Lanes1 a, Lanes1 b) => new(MathF.Min(a.Value, b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator &(Lanes1 a, Lanes1 b) => FromBits(a.Bits & b.Bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator |(Lanes1 a, Lanes1 b) => FromBits(a.Bits | b.Bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator ^(Lanes1 a, Lanes1 b) => FromBits(a.Bits ^ b.Bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator <(Lanes1 a, Lanes1 b) => Mask(a.Value < b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator >(Lanes1 a, Lanes1 b) => Mask(a.Value > b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Equal(Lanes1 a, Lanes1 b) => Mask(a.Value == b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Select(Lanes1 mask, Lanes1 whenSet, Lanes1 whenClear) => mask.Bits != 0 ? whenSet : whenClear;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 AddBits(Lanes1 a, Lanes1 b) => FromBits(unchecked(a.Bits + b.Bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 SubtractBits(Lanes1 a, Lanes1 b) => FromBits(unchecked(a.Bits - b.Bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ShiftLeftBits(Lanes1 a, int count) => FromBits(a.Bits << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ShiftRightBits(Lanes1 a, int count) => FromBits(a.Bits >> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 FloatOfBits(Lanes1 a) => new(a.Bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 LoadSignedBytes(sbyte* source) => new(Vector128.CreateScalar((int)*source).AsSingle().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSignedBytes(Lanes1 bits, sbyte* target) => *target = (sbyte)Math.Clamp(BitConverter.SingleToInt32Bits(bits.Value), sbyte.MinValue, sbyte.MaxValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ScaleByPowerOfTwo(Lanes1 a, Lanes1 n) => VectorMath.ScaleInTwoSteps(a, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes1 a) => a.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Lanes1 a) => a.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxNativeAcross(Lanes1 a) =>
        a.Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes1 FromBits(int bits) => new(BitConverter.Int32BitsToSingle(bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes1 Mask(bool set) => FromBits(set ? -1 : 0);
}
