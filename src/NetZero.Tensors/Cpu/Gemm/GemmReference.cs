namespace NetZero.Tensors;

/// <summary>The definition of <see cref="GemmKernel"/>, in double precision, with the bound that a fast kernel must keep.</summary>
internal static unsafe class GemmReference
{
    /// <summary>C[i, j] = sum over p of A[i, p] · B[p, j] (+ C[i, j]) (+ bias[j]).</summary>
    /// <param name="kernel">The call; nothing is written to it.</param>
    /// <param name="batch">Batch item.</param>
    /// <param name="row">i</param>
    /// <param name="column">j</param>
    /// <param name="before">C[i, j] before the call, used when the kernel accumulates.</param>
    /// <returns>The element, and the sum of the magnitudes of its terms: rounding errors are proportional to that.</returns>
    public static (double Value, double Magnitude) Element(in GemmKernel kernel, long batch, long row, long column, float before)
    {
        double value = kernel.Accumulate ? before : 0;
        var magnitude = Math.Abs(value);
        for (long p = 0; p < kernel.K; p++)
        {
            var term = (double)kernel.A.ElementsAt(batch, row, p).Get(0) * kernel.B.ElementsAt(batch, p, column).Get(0);
            value += term;
            magnitude += Math.Abs(term);
        }

        if (!kernel.Bias.IsNull)
        {
            value += kernel.Bias.Get(column);
            magnitude += Math.Abs(kernel.Bias.Get(column));
        }

        return (value, magnitude);
    }

    /// <summary>
    /// The largest possible error of an element: n · 2^-24 / (1 - n · 2^-24) of the sum of magnitudes, where n is the most roundings that any
    /// term passes through (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1).
    /// </summary>
    public static double Tolerance(in GemmKernel kernel, double magnitude)
    {
        // One for the product, at most k - 1 for the sum (in blocks: fewer), one for adding to C, one for the bias.
        var roundings = (kernel.K + 2) * Math.ScaleB(1, -24);
        return roundings / (1 - roundings) * magnitude;
    }
}
