using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>The constants of GELU's tanh form.</summary>
internal static class GeluFormula
{
    /// <summary>2·√(2/π).</summary>
    public const float TwoRoot = 1.5957691f;

    /// <summary>2·√(2/π)·0.044715.</summary>
    public const float TwoRootCubic = 0.071354814f;

    /// <summary>2u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T TwiceU<T>(T x)
        where T : struct, ILanes<T> =>
        x * T.MultiplyAdd(T.Splat(TwoRootCubic), x * x, T.Splat(TwoRoot));
}

/// <summary>y = x·(1 + tanh u)/2, u = √(2/π)·(x + 0.044715 x³): GELU as GPT-2 computes it (Hendrycks and Gimpel, section 2).</summary>
/// <remarks>(1 + tanh u)/2 = σ(2u), which keeps its relative precision for negative x.</remarks>
internal readonly struct GeluRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        x * VectorMath.Sigmoid(GeluFormula.TwiceU(x));

    public double Reference(double x)
    {
        var u = Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x));
        return 0.5 * x * (1 + Math.Tanh(u));
    }
}

/// <summary>GELU's gradient: dx = dy·(s + x·s·(1 - s)·2u'), s = σ(2u), u' = √(2/π)·(1 + 3·0.044715 x²).</summary>
internal readonly struct GeluBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T>
    {
        // Beyond ±20 s is 0 or 1 and its slope 0: the bound keeps the other factors finite.
        x = T.Select(x > T.Splat(20f), T.Splat(20f), T.Select(x < T.Splat(-20f), T.Splat(-20f), x));
        var s = VectorMath.Sigmoid(GeluFormula.TwiceU(x), out var slope);
        var twiceSlopeOfU = T.MultiplyAdd(T.Splat(3 * GeluFormula.TwoRootCubic), x * x, T.Splat(GeluFormula.TwoRoot));
        return dy * T.MultiplyAdd(x * slope, twiceSlopeOfU, s);
    }

    public double Reference(double x, double dy)
    {
        var u = Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x));
        var slope = Math.Sqrt(2 / Math.PI) * (1 + (3 * 0.044715 * x * x));
        var tanh = Math.Tanh(u);
        return dy * ((0.5 * (1 + tanh)) + (0.5 * x * (1 - (tanh * tanh)) * slope));
    }
}
