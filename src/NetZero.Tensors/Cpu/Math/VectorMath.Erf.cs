using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

internal static partial class VectorMath
{
    /// <summary>The error function erf x = 2/√π ∫₀ˣ e^-t² dt within 3 ulp; ±1 for large arguments, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Erf<T>(T x)
        where T : struct, ILanes<T>
    {
        var sign = x & T.SplatBits(SignBit);
        var a = x ^ sign;

        // Up to 0.925: a + a·p(a²), p of error 2^-30.
        var t = a * a;
        var p = T.MultiplyAdd(T.Splat(7.99657719e-05f), t, T.Splat(-0.000804975803f));
        p = T.MultiplyAdd(p, t, T.Splat(0.00519240461f));
        p = T.MultiplyAdd(p, t, T.Splat(-0.0268557314f));
        p = T.MultiplyAdd(p, t, T.Splat(0.112836257f));
        p = T.MultiplyAdd(p, t, T.Splat(-0.376126289f));
        p = T.MultiplyAdd(p, t, T.Splat(0.128379166f));
        var near = T.MultiplyAdd(a, p, a);

        // Above: 1 - e^g(a) with g = ln(1 - erf a), of error 2^-29 (of erf a); from 4 on erf rounds to 1.
        var b = T.Select(a > T.Splat(4f), T.Splat(4f), a);
        var g = T.MultiplyAdd(T.Splat(0.000195763932f), b, T.Splat(-0.00304167648f));
        g = T.MultiplyAdd(g, b, T.Splat(0.0222213063f));
        g = T.MultiplyAdd(g, b, T.Splat(-0.103920847f));
        g = T.MultiplyAdd(g, b, T.Splat(-0.63719368f));
        g = T.MultiplyAdd(g, b, T.Splat(-1.12766922f));
        g = T.MultiplyAdd(g, b, T.Splat(-0.000197157278f));
        var n = Round(g * T.Splat(Log2E));
        var power = T.ScaleByPowerOfTwo(T.Splat(1f), n);
        var far = T.Splat(1f) - T.MultiplyAdd(power, ExpMinus1OfRest(g, n), power);

        return T.Select(a < T.Splat(0.925f), near, far) | sign;
    }
}
