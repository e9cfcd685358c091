using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>The constants of GELU's exact form.</summary>
internal static class GeluExactFormula
{
    /// <summary>√½.</summary>
    public const float RootHalf = 0.70710677f;

    /// <summary>1/√(2π).</summary>
    public const float DensityAtZero = 0.3989423f;
}

/// <summary>y = x·Φ(x), Φ(x) = (1 + erf(x/√2))/2: GELU by its definition (Hendrycks and Gimpel, section 2).</summary>
internal readonly struct GeluExactRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T>
    {
        var half = T.Splat(0.5f) * x;
        return T.MultiplyAdd(half, VectorMath.Erf(x * T.Splat(GeluExactFormula.RootHalf)), half);
    }

    public double Reference(double x) => 0.5 * x * (1 + DoubleMath.Erf(x / Math.Sqrt(2)));
}

/// <summary>dx = dy·(Φ(x) + x·φ(x)), φ(x) = e^(-x²/2)/√(2π).</summary>
internal readonly struct GeluExactBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T>
    {
        // Beyond ±15 φ is 0: the bound keeps x² finite.
        x = T.Select(x > T.Splat(15f), T.Splat(15f), T.Select(x < T.Splat(-15f), T.Splat(-15f), x));
        var phi = VectorMath.Exp(T.Splat(-0.5f) * x * x) * T.Splat(GeluExactFormula.DensityAtZero);
        var cdf = T.MultiplyAdd(T.Splat(0.5f), VectorMath.Erf(x * T.Splat(GeluExactFormula.RootHalf)), T.Splat(0.5f));
        return dy * T.MultiplyAdd(x, phi, cdf);
    }

    public double Reference(double x, double dy)
    {
        var phi = Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);
        return dy * ((0.5 * (1 + DoubleMath.Erf(x / Math.Sqrt(2)))) + (x * phi));
    }
}
