using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

internal static partial class VectorMath
{
    private const uint SignBit = 0x8000_0000;
    private const uint InfinityBits = 0x7F80_0000;
    private const uint NanBits = 0x7FC0_0000;
    private const uint SqrtHalfBits = 0x3F35_04F3;
    private const uint MantissaBits = 0x007F_FFFF;
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>The natural logarithm within 2 ulp; -infinity of ±0, NaN below zero, denormal arguments as precise as any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log<T>(T x)
        where T : struct, ILanes<T>
    {
        // x = 2^e · m with m between √½ and √2; denormal numbers are first scaled by 2^23.
        var denormal = x < T.Splat(SmallestNormal);
        var scaled = T.Select(denormal, x * T.Splat(8388608f), x);
        var aboveRoot = T.SubtractBits(scaled, T.SplatBits(SqrtHalfBits));
        var e = T.FloatOfBits(T.ShiftRightBits(aboveRoot, 23)) - (denormal & T.Splat(23f));
        var m = T.AddBits(aboveRoot & T.SplatBits(MantissaBits), T.SplatBits(SqrtHalfBits));

        // ln(1 + f) = f - f²/2 + f³·p(f), p of error 2^-30 (of the logarithm).
        var f = m - T.Splat(1f);
        var p = T.MultiplyAdd(T.Splat(0.0691380575f), f, T.Splat(-0.117876902f));
        p = T.MultiplyAdd(p, f, T.Splat(0.118724436f));
        p = T.MultiplyAdd(p, f, T.Splat(-0.123846106f));
        p = T.MultiplyAdd(p, f, T.Splat(0.14218761f));
        p = T.MultiplyAdd(p, f, T.Splat(-0.166692436f));
        p = T.MultiplyAdd(p, f, T.Splat(0.200022221f));
        p = T.MultiplyAdd(p, f, T.Splat(-0.249999866f));
        p = T.MultiplyAdd(p, f, T.Splat(0.333333105f));
        var square = f * f;
        var small = T.MultiplyAdd(p * f, square, e * T.Splat(Ln2Low));
        small = T.MultiplyAdd(square, T.Splat(-0.5f), small);
        var result = T.MultiplyAdd(e, T.Splat(Ln2High), f + small);

        result = T.Select(T.Equal(x, T.SplatBits(InfinityBits)), x, result);
        result = T.Select(T.Equal(x, T.Splat(0f)), T.SplatBits(InfinityBits | SignBit), result);
        result = T.Select(x < T.Splat(0f), T.SplatBits(NanBits), result);
        return T.Select(T.Equal(x, x), result, x);
    }
}
