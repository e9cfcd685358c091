using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// Elementary functions of floats, each written once for all vector widths. On one machine every width gives the same bits.
/// </summary>
/// <remarks>
/// The polynomials are near-minimax fits (weighted least squares with Lawson's iteration in 40 digits, then one coefficient after the other
/// rounded to float and the rest fitted again); each says its error. Errors in units in the last place (ulp) are the largest that the
/// tests allow against double precision, with and without fused multiply-add.
/// </remarks>
internal static partial class VectorMath
{
    // Adding 1.5·2^23 leaves no bits for a fraction, so the sum is rounded to a whole number, which taking it away again gives.
    private const float RoundingShift = 12582912f;

    private const float Log2E = 1.44269504f;

    // ln 2 in two parts; the first has 9 bits, so that its product with a whole number below 2^15 is exact even without fusing.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Just above ln 2^-126: from here on e^x is a normal number.
    private const float SmallestExponent = -87.3365f;

    /// <summary>e^x within 1.5 ulp; 0 below -87.3365, infinity above 88.72, NaN for NaN.</summary>
    /// <remarks>
    /// Results that would be denormal (below 1.2e-38) are 0: processors make denormal results and zeros by underflow in microcode, 15 times
    /// slower, and a softmax over masked scores is made of them.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x)
        where T : struct, ILanes<T>
    {
        // From 89 on the result is infinity anyway. A NaN is neither below nor above and stays.
        var isZero = x < T.Splat(SmallestExponent);
        x = T.Select(isZero, T.Splat(SmallestExponent), x);
        x = T.Select(x > T.Splat(89f), T.Splat(89f), x);
        var n = Round(x * T.Splat(Log2E));
        var result = T.ScaleByPowerOfTwo(T.Splat(1f) + ExpMinus1OfRest(x, n), n);
        return T.Select(isZero, T.Splat(0f), result);
    }

    /// <summary>1 / (1 + e^-x) within 3 ulp, also where it is tiny; 0 below -87.3365, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid<T>(T x)
        where T : struct, ILanes<T>
    {
        // e^-|x| never overflows: for x < 0 the fraction is extended by e^x.
        var e = Exp(x | T.SplatBits(SignBit));
        var numerator = T.Select(x < T.Splat(0f), e, T.Splat(1f));
        return numerator / (T.Splat(1f) + e);
    }

    /// <summary>The logistic function σ and its derivative σ(1 - σ), which keeps its relative precision where σ is close to 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid<T>(T x, out T slope)
        where T : struct, ILanes<T>
    {
        var e = Exp(x | T.SplatBits(SignBit));
        var inverse = T.Splat(1f) / (T.Splat(1f) + e);
        slope = e * inverse * inverse;
        return T.Select(x < T.Splat(0f), e * inverse, inverse);
    }

    /// <summary>tanh x within 3 ulp; the sign of zero is kept, ±1 for large arguments, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh<T>(T x)
        where T : struct, ILanes<T>
    {
        // tanh|x| = m / (m + 2) with m = e^(2|x|) - 1, which keeps its relative precision near zero; from 9.02 on it rounds to 1.
        var sign = x & T.SplatBits(SignBit);
        var a = x ^ sign;
        a = T.Select(a > T.Splat(9.1f), T.Splat(9.1f), a);
        a += a;
        var n = Round(a * T.Splat(Log2E));
        var power = T.ScaleByPowerOfTwo(T.Splat(1f), n);
        var m = T.MultiplyAdd(power, ExpMinus1OfRest(a, n), power - T.Splat(1f));
        return (m / (m + T.Splat(2f))) | sign;
    }

    /// <summary>a·2^n by two factors, each a normal number; for lanes without a scaling instruction.</summary>
    /// <remarks>The first product is exact, so that the result is rounded once, as the instruction rounds it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T ScaleInTwoSteps<T>(T a, T n)
        where T : struct, ILanes<T>
    {
        var half = Round(n * T.Splat(0.5f));
        return a * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    // e^r - 1 for r = x - n ln 2, |r| <= ln 2 / 2: r + r²·q(r), q of error 2^-28 (of e^r).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T ExpMinus1OfRest<T>(T x, T n)
        where T : struct, ILanes<T>
    {
        var r = T.MultiplyAdd(n, T.Splat(-Ln2High), x);
        r = T.MultiplyAdd(n, T.Splat(-Ln2Low), r);
        var q = T.MultiplyAdd(T.Splat(0.00138161308f), r, T.Splat(0.0083685359f));
        q = T.MultiplyAdd(q, r, T.Splat(0.0416683182f));
        q = T.MultiplyAdd(q, r, T.Splat(0.166665226f));
        q = T.MultiplyAdd(q, r, T.Splat(0.49999994f));
        return T.MultiplyAdd(r * r, q, r);
    }

    // 2^n for whole n in [-126, 127]: the low bits of the shifted sum are n + 127, which is the exponent once moved to its place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T PowerOfTwo<T>(T n)
        where T : struct, ILanes<T> =>
        T.ShiftLeftBits(n + T.Splat(RoundingShift + 127f), 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Round<T>(T x)
        where T : struct, ILanes<T> =>
        (x + T.Splat(RoundingShift)) - T.Splat(RoundingShift);
}
