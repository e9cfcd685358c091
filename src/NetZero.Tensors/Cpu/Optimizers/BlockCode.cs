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

    private const uint Infinity = 0x7F80_0000;

    // bits(j / steps) = bits(j) - log2(steps) octaves; both ways, with the division and multiplication by 4. Signed: what to take away before
    // the shift; its lower half is 0.
    private const uint SignedDecode = One + (7 * Octave) - (One / 4);
    private const uint SignedEncode = One - (One / 4) + (7 * Octave);
    private const uint UnsignedDecode = unchecked(One - (4 * (One + (8 * Octave))));
    private const uint UnsignedEncode = One - (One / 4) + (8 * Octave);

    // What an unsigned code is less than j by.
    private const uint Bias = 129;

    // Below this a scale's inverse might overflow.
    private const float SmallScale = 7.888609e-31f;

    private BlockCode(bool signed) => IsSigned = signed;

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
        var (factor, minus) = (T.Splat(scale), T.Splat(-scale));
        for (var i = 0; i < Length; i += T.Count)
            T.Store(IsSigned ? SignedValues(codes + i, factor, minus) : UnsignedValues(codes + i, factor), values + i);
    }

    /// <summary>A block of floats as codes; returns the block's scale. The floats may be changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Encode<T>(float* values, sbyte* codes)
        where T : struct, ILanes<T>
    {
        T up = T.Splat(0), down = T.Splat(0);
        for (var i = 0; i < Length; i += T.Count)
            Measure(T.Load(values + i), ref up, ref down);
        return IsSigned ? EncodeSigned(values, up, down, codes) : EncodeUnsigned(values, down, codes);
    }

    /// <summary>A vector of signed codes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SignedValues<T>(sbyte* codes, T scale, T minusScale)
        where T : struct, ILanes<T>
    {
        // The difference leaves a zero zero, and the shift drops the sign.
        var j = T.FloatOfBits(T.LoadSignedBytes(codes));
        return T.ShiftLeftBits(T.SubtractHalvesToZero(j, T.SplatBits(SignedDecode)), 2) * T.SelectBySign(j, minusScale, scale);
    }

    /// <summary>A vector of unsigned codes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T UnsignedValues<T>(sbyte* codes, T scale)
        where T : struct, ILanes<T>
    {
        var j = T.FloatOfBits(T.AddBits(T.LoadSignedBytes(codes), T.SplatBits(Bias)));
        return T.AddBits(T.ShiftLeftBits(j, 2), T.SplatBits(UnsignedDecode)) * scale;
    }

    /// <summary>
    /// Goes on with the extremes of a block, which begin as zeros. As integers, the bits of positive floats are in the floats' order, and
    /// those of negative ones, which are larger unless the sign is read as one, in that of their magnitudes. NaN is beyond infinity.
    /// </summary>
    /// <param name="values">The next values.</param>
    /// <param name="up">The bits of the largest.</param>
    /// <param name="down">The bits of the least; of the largest where none is negative.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Measure<T>(T values, ref T up, ref T down)
        where T : struct, ILanes<T>
    {
        up = T.MaxSignedBits(up, values);
        down = T.MaxUnsignedBits(down, values);
    }

    /// <summary>The same where no value is negative: <paramref name="most"/> is the bits of the largest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MeasureSquares<T>(T values, ref T most)
        where T : struct, ILanes<T> =>
        most = T.MaxUnsignedBits(most, values);

    /// <summary>
    /// A block of floats as signed codes; returns the block's scale: the value of largest magnitude with its sign turned. The floats may be
    /// changed.
    /// </summary>
    /// <param name="values">The block.</param>
    /// <param name="up">What <see cref="Measure"/> found in it.</param>
    /// <param name="down">What <see cref="Measure"/> found in it.</param>
    /// <param name="codes">Receives the codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float EncodeSigned<T>(float* values, T up, T down, sbyte* codes)
        where T : struct, ILanes<T>
    {
        var (positive, negative) = (T.MaxUnsignedBitsAcross(up), T.MaxUnsignedBitsAcross(down));
        negative = negative < SignBit ? 0 : negative ^ SignBit;
        if ((positive | negative) == 0)
            return Zero(codes);
        var scale = Math.Max(positive, negative) >= Infinity ? float.NaN
            : BitConverter.UInt32BitsToSingle(positive >= negative ? positive | SignBit : negative);
        var inverse = T.Splat(Inverse(values, scale));
        for (var i = 0; i < Length; i += 4 * T.Count)
            T.StoreSignedBytes(
                SignedCodes(T.Load(values + i) * inverse), SignedCodes(T.Load(values + i + T.Count) * inverse),
                SignedCodes(T.Load(values + i + (2 * T.Count)) * inverse), SignedCodes(T.Load(values + i + (3 * T.Count)) * inverse),
                codes + i);
        return scale;
    }

    /// <summary>A block of floats, none negative, as unsigned codes; returns the block's scale. The floats may be changed.</summary>
    /// <param name="values">The block.</param>
    /// <param name="most">What <see cref="MeasureSquares"/> found in it.</param>
    /// <param name="codes">Receives the codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float EncodeUnsigned<T>(float* values, T most, sbyte* codes)
        where T : struct, ILanes<T>
    {
        var largest = T.MaxUnsignedBitsAcross(most);
        if (largest == 0)
            return Zero(codes);
        var scale = largest >= Infinity ? float.NaN : BitConverter.UInt32BitsToSingle(largest);
        var inverse = T.Splat(Inverse(values, scale));
        for (var i = 0; i < Length; i += 4 * T.Count)
            T.StoreSignedBytes(
                UnsignedCodes(T.Load(values + i) * inverse), UnsignedCodes(T.Load(values + i + T.Count) * inverse),
                UnsignedCodes(T.Load(values + i + (2 * T.Count)) * inverse), UnsignedCodes(T.Load(values + i + (3 * T.Count)) * inverse),
                codes + i);
        return scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T SignedCodes<T>(T share)
        where T : struct, ILanes<T>
    {
        var root = T.AddBits(T.ShiftRightBits(share & T.SplatBits(~SignBit), 2), T.SplatBits(SignedEncode));
        return T.NegateBits(T.NearestBits(root), share);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T UnsignedCodes<T>(T share)
        where T : struct, ILanes<T> =>
        T.SubtractBits(T.NearestBits(T.AddBits(T.ShiftRightBits(share, 2), T.SplatBits(UnsignedEncode))), T.SplatBits(Bias));

    private static float Zero(sbyte* codes)
    {
        new Span<sbyte>(codes, Length).Clear();
        return 0;
    }

    // A denormal scale has an infinite inverse: then values are moved up first.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Inverse(float* values, float scale)
    {
        if (!(MathF.Abs(scale) < SmallScale))
            return 1 / scale;
        for (var i = 0; i < Length; i++)
            values[i] /= SmallScale;
        return 1 / (scale / SmallScale);
    }
}
