using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// 8-bit states: shares of a block's largest magnitude, in seven decades of which each is twice as finely divided as the one below (dynamic quantization;
/// Dettmers, Lewis, Shleifer, Zettlemoyer, "8-bit Optimizers via Block-wise Quantization", ICLR 2022, sections 1.3 and 2).
/// </summary>
/// <remarks>
/// The numbers lie at the upper ends of the parts of a decade, so that one of them is 1 and the largest magnitude is kept exactly. So number j is a function that
/// goes in straight lines from decade to decade: n(j) = 10^(d-6) (0.1 + 0.9 (j - 2^d) / 2^d) with d = floor(log2 j), and coding is its inverse, rounded to nearest.
/// Signed: j from 0 to 128 with a sign, in two's complement; there is no +128, so the scale takes the sign that gives the largest magnitude -128. Unsigned: twice as many
/// parts, j from 2 to 256, less 1, and 0 for zero. Nothing positive becomes zero there: a second moment of zero beside a first moment that is not would throw
/// the parameter far off.
/// </remarks>
internal sealed unsafe class BlockCode
{
    private const int Decades = 7;
    private const int Length = FlatState.BlockElements;
    private const uint SignBit = 0x8000_0000;

    // Added to a number below 2^22 it leaves the nearest whole number in the low bits.
    private const float Rounder = 1 << 23;

    // By decade; the eighth is the number 1 alone. Decoding: slope j + offset. Coding: inverse slope times share + inverse offset.
    private readonly float[] _slope = new float[Decades + 1];
    private readonly float[] _offset = new float[Decades + 1];
    private readonly float[] _inverseSlope = new float[Decades + 1];
    private readonly float[] _inverseOffset = new float[Decades + 1];

    private BlockCode(bool signed)
    {
        IsSigned = signed;
        for (var d = 0; d < Decades; d++)
        {
            var parts = (signed ? 1 : 2) << d;
            var decade = Math.Pow(10, d + 1 - Decades);
            _slope[d] = (float)(0.9 * decade / parts);
            _offset[d] = (float)(-0.8 * decade);
            _inverseSlope[d] = (float)(parts / (0.9 * decade));
            _inverseOffset[d] = (float)(0.8 * parts / 0.9);
        }

        _slope[Decades] = 1f / ((signed ? 1 : 2) << Decades);
    }

    /// <summary>For values of both signs.</summary>
    public static BlockCode Signed { get; } = new(true);

    /// <summary>For values that are not negative.</summary>
    public static BlockCode Unsigned { get; } = new(false);

    public bool IsSigned { get; }

    /// <summary>A block of codes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode<T>(byte* codes, float scale, float* values)
        where T : struct, ILanes<T>
    {
        fixed (float* slope = _slope, offset = _offset)
        {
            var factor = T.Splat(scale);
            if (IsSigned)
            {
                for (var i = 0; i < Length; i += T.Count)
                {
                    var code = T.FloatOfBits(T.ShiftRightBits(T.ShiftLeftBits(T.LoadBytes(codes + i), 24), 24));
                    var sign = code & T.SplatBits(SignBit);
                    var j = code ^ sign;
                    T.Store((Number(j, slope, offset, 127, j > T.Splat(0)) ^ sign) * factor, values + i);
                }
            }
            else
            {
                for (var i = 0; i < Length; i += T.Count)
                {
                    var j = T.FloatOfBits(T.LoadBytes(codes + i)) + T.Splat(1);
                    T.Store(Number(j, slope, offset, 128, j > T.Splat(1)) * factor, values + i);
                }
            }
        }
    }

    /// <summary>A block of floats as codes, which takes the floats' place for its own purposes; returns the block's scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Encode<T>(float* values, byte* codes)
        where T : struct, ILanes<T>
    {
        var scale = Scale<T>(values);
        if (scale == 0)
        {
            new Span<byte>(codes, Length).Clear();
            return 0;
        }

        var divisor = T.Splat(scale);
        fixed (float* slope = _inverseSlope, offset = _inverseOffset)
        {
            if (IsSigned)
            {
                // Half of the smallest number, 1e-7, and above is coded as something.
                for (var i = 0; i < Length; i += T.Count)
                {
                    var share = T.Load(values + i) / divisor;
                    var negative = share < T.Splat(0);
                    var magnitude = share & T.SplatBits(~SignBit);
                    var y = Position(magnitude, slope, offset);
                    var j = Whole(T.Select(negative, y, T.Min(y, T.Splat(127)))) & (magnitude > T.Splat(0.5e-7f));
                    T.StoreBytes(T.SubtractBits(j ^ negative, negative), codes + i);
                }
            }
            else
            {
                for (var i = 0; i < Length; i += T.Count)
                {
                    var share = T.Load(values + i) / divisor;
                    T.StoreBytes(T.SubtractBits(Whole(Position(share, slope, offset)), T.SplatBits(1)) & (share > T.Splat(0)), codes + i);
                }
            }
        }

        return scale;
    }

    // The value of largest magnitude, its sign turned in the signed code; NaN where any is NaN or infinite. Maxima that know of NaN take several instructions each, so that is asked apart:
    // what is finite times zero is zero.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Scale<T>(float* values)
        where T : struct, ILanes<T>
    {
        var zero = T.Splat(0);
        T most0 = zero, most1 = zero, least0 = zero, least1 = zero, poison0 = zero, poison1 = zero;
        for (var i = 0; i < Length; i += 2 * T.Count)
        {
            var (a, b) = (T.Load(values + i), T.Load(values + i + T.Count));
            most0 = T.MaxNative(most0, a);
            most1 = T.MaxNative(most1, b);
            least0 = T.MaxNative(least0, zero - a);
            least1 = T.MaxNative(least1, zero - b);
            poison0 = T.MultiplyAdd(a, zero, poison0);
            poison1 = T.MultiplyAdd(b, zero, poison1);
        }

        if (T.Sum(poison0 + poison1) != 0)
            return float.NaN;
        var (up, down) = (T.MaxNativeAcross(T.MaxNative(most0, most1)), T.MaxNativeAcross(T.MaxNative(least0, least1)));
        return IsSigned ? (up >= down ? -up : down) : up;
    }

    // n(j) for lanes that the mask lets through, zero for others. The exponent of j, less the bias, is the decade.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Number<T>(T j, float* slope, float* offset, uint bias, T mask)
        where T : struct, ILanes<T>
    {
        var decade = T.SubtractBits(T.ShiftRightBits(j, 23), T.SplatBits(bias)) & T.SplatBits(7);
        return T.MultiplyAdd(T.Lookup(slope, decade), j, T.Lookup(offset, decade)) & mask;
    }

    // j as a real number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Position<T>(T share, float* slope, float* offset)
        where T : struct, ILanes<T>
    {
        // Each comparison is 0 or -1. In two chains, which the processor runs side by side.
        var low = T.AddBits(T.AddBits(T.Splat(1e-6f) < share, T.Splat(1e-5f) < share), T.Splat(1e-4f) < share);
        var high = T.AddBits(T.AddBits(T.Splat(1e-3f) < share, T.Splat(1e-2f) < share), T.Splat(1e-1f) < share);
        var decade = T.SubtractBits(T.SplatBits(0), T.AddBits(low, high));
        return T.MultiplyAdd(T.Lookup(slope, decade), share, T.Lookup(offset, decade));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Whole<T>(T y)
        where T : struct, ILanes<T> =>
        T.SubtractBits(y + T.Splat(Rounder), T.Splat(Rounder));
}
