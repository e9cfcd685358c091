namespace NetZero.Tensors.Tests;

/// <summary>Distances between floats and exact values, in units in the last place.</summary>
internal static class Ulp
{
    /// <summary>|actual - exact| in units of the last place of the float nearest to <paramref name="exact"/>.</summary>
    /// <remarks>
    /// Infinite where one is NaN and the other is not, or where one is infinite and the other not. A value that rounds to infinity as
    /// float counts as infinite.
    /// </remarks>
    public static double Error(float actual, double exact)
    {
        var nearest = (float)exact;
        if (float.IsNaN(nearest) || float.IsNaN(actual))
            return float.IsNaN(nearest) && float.IsNaN(actual) ? 0 : double.PositiveInfinity;
        if (float.IsInfinity(nearest) || float.IsInfinity(actual))
            return nearest == actual ? 0 : double.PositiveInfinity;
        var magnitude = MathF.Abs(nearest);
        var unit = (double)MathF.BitIncrement(magnitude) - magnitude;
        if (double.IsInfinity(unit))
            unit = magnitude - (double)MathF.BitDecrement(magnitude);
        return Math.Abs(actual - exact) / unit;
    }
}
