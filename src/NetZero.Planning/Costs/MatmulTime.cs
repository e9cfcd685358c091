namespace NetZero.Planning;

/// <summary>Seconds of matrix products: what they compute plus what they read and write.</summary>
/// <remarks>
/// The roofline model (S. Williams, A. Waterman, D. Patterson 2009) with both sides added instead of the larger taken: 2 m k n / (e P) + (m k + k n + m n) w / B. So
/// efficiency falls smoothly as the smallest side shrinks, by 1 / (1 + (P e w / 2 B)(1/m + 1/k + 1/n)), as measured products do.
/// </remarks>
internal static class MatmulTime
{
    /// <summary>Seconds of one product of [m, k] and [k, n].</summary>
    /// <param name="m">Rows: tokens.</param>
    /// <param name="k">The dimension that is summed over.</param>
    /// <param name="n">Columns.</param>
    /// <param name="flopsPerSecond">What large products reach, e P.</param>
    /// <param name="bytesPerSecond">B, of the device's memory.</param>
    /// <param name="elementBytes">w, bytes of an element.</param>
    public static double Of(double m, double k, double n, double flopsPerSecond, double bytesPerSecond, double elementBytes) =>
        2 * m * k * n / flopsPerSecond + (m * k + k * n + m * n) * elementBytes / bytesPerSecond;
}
