using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// 8-bit states: shares of a block's largest magnitude in tapered floating point. From the largest down, each range of a factor of 16 is half as finely divided as the one above
/// (dynamic quantization: Dettmers, Lewis, Shleifer, Zettlemoyer, "8-bit Optimizers via Block-wise Quantization", ICLR 2022, sections 1.3 and 2, with binary ranges in the
/// place of decades).
/// </summary>
/// <remarks>
/// Note: a code that is computed. Read as an integer, the bits of a float are its base-2 logarithm in straight lines from octave to octave. Divided by 4 they are those of nearly its
/// fourth root, of which steps of equal size are taken: r(s) has the bits (bits(s) - bits(1)) / 4 + bits(1), and number j is the s with r(s) = j / 128 (signed) or j / 256. So coding
/// and decoding are a shift and an addition each, where tables and searches cost ten times the arithmetic of the update itself.
/// In the upper range an octave has 16 steps (signed) or 32, in the next 8 or 16, and so on; below 2^-16 (2^-20) several octaves share one. The smallest numbers are 2^-28 and 2^-32.
/// Signed: j from -128 to 127. There is no +128, so the scale takes the sign that gives the largest magnitude -128: it is kept exactly. Unsigned: j from 1 to 256, stored less 129.
/// There is no zero but in a block of zeros: a second moment of zero beside a first moment that is not would throw the parameter far off.
/// </remarks>
internal sealed unsafe class BlockCode
{
    private const int Length = FlatState.BlockElements;
    private const uint SignBit = 0x8000_0000;
    private const uint One = 0x3F80_0000;
    private const uint Octave = 0x0080_0000;

    // 1.5 2^23: added to a number within 2^22 it leaves the nearest whole number in the low bits.
    private const float Rounder = 12582912;
    private const uint RounderBits = 0x4B40_0000;

    // Below this a scale's inverse might overflow.
    private const float SmallScale = 7.888609e-31f;

    // What is stored is less than j by it.
    private readonly uint _bias;

    // bits(j / steps) = bits(j) - log2(steps) octaves; both ways, with the division and multiplication by 4.
    private readonly uint _decode;
    private readonly uint _encode;

    private BlockCode(bool signed)
    {
        IsSigned = signed;
        var steps = (signed ? 7u : 8u) * Octave;
        _bias = signed ? 0u : 129u;
        _decode = unchecked(One - (4 * (One + steps)));
        _encode = One - (One / 4) + steps;
    }

    /// <summary>For values of both signs.</summary>
    public static BlockCode Signed { get; } = new(true);

    /// <summary>For values that are not negative.</summary>
    public static BlockCode Unsigned { get; } = new(false);

    public bool IsSigned { get; }

    /// <summary>A block of codes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode<T>(sbyte* codes, float scale, float* values)
        where T : struct, ILanes<T>
    {
        var (factor, offset) = (T.Splat(scale), T.SplatBits(_decode));
        if (IsSigned)
        {
            // The shift drops the sign.
            var (sign, zero) = (T.SplatBits(SignBit), T.Splat(0));
            for (var i = 0; i < Length; i += T.Count)
            {
                var j = T.FloatOfBits(T.LoadSignedBytes(codes + i));
                var number = T.AddBits(T.ShiftLeftBits(j, 2), offset) | (j & sign);
                T.Store(T.Select(T.Equal(j, zero), zero, number) * factor, values + i);
            }

            return;
        }

        var bias = T.SplatBits(_bias);
        for (var i = 0; i < Length; i += T.Count)
        {
            var j = T.FloatOfBits(T.AddBits(T.LoadSignedBytes(codes + i), bias));
            T.Store(T.AddBits(T.ShiftLeftBits(j, 2), offset) * factor, values + i);
        }
    }

    /// <summary>A block of floats as codes; returns the block's scale. The floats may be changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Encode<T>(float* values, sbyte* codes)
        where T : struct, ILanes<T>
    {
        var scale = Scale<T>(values);
        if (scale == 0)
        {
            new Span<sbyte>(codes, Length).Clear();
            return 0;
        }

        var inverse = T.Splat(Inverse<T>(values, scale));
        var offset = T.SplatBits(_encode);
        var rounder = T.Splat(Rounder);
        var bias = T.SplatBits(RounderBits + _bias);
        if (IsSigned)
        {
            var sign = T.SplatBits(SignBit);
            for (var i = 0; i < Length; i += T.Count)
            {
                var share = T.Load(values + i) * inverse;
                var negative = share & sign;
                var root = T.AddBits(T.ShiftRightBits(share ^ negative, 2), offset) | negative;
                T.StoreSignedBytes(T.SubtractBits(root + rounder, bias), codes + i);
            }

            return scale;
        }

        for (var i = 0; i < Length; i += T.Count)
        {
            var root = T.AddBits(T.ShiftRightBits(T.Load(values + i) * inverse, 2), offset);
            T.StoreSignedBytes(T.SubtractBits(root + rounder, bias), codes + i);
        }

        return scale;
    }

    // A denormal scale has an infinite inverse: then values are moved up first.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Inverse<T>(float* values, float scale)
        where T : struct, ILanes<T>
    {
        if (!(MathF.Abs(scale) < SmallScale))
            return 1 / scale;
        for (var i = 0; i < Length; i++)
            values[i] /= SmallScale;
        return 1 / (scale / SmallScale);
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
            poison0 = T.MultiplyAdd(a, zero, poison0);
            poison1 = T.MultiplyAdd(b, zero, poison1);
            if (IsSigned)
            {
                least0 = T.MaxNative(least0, zero - a);
                least1 = T.MaxNative(least1, zero - b);
            }
        }

        if (T.Sum(poison0 + poison1) != 0)
            return float.NaN;
        var up = T.MaxNativeAcross(T.MaxNative(most0, most1));
        if (!IsSigned)
            return up;
        var down = T.MaxNativeAcross(T.MaxNative(least0, least1));
        return up >= down ? -up : down;
    }
}
