namespace NetZero.Tensors.Tests;

/// <summary>Sizes and tolerances that the tests of both norms share.</summary>
internal static class NormSizes
{
    /// <summary>Every row length that has another tail, and row counts around the task and chunk sizes.</summary>
    public static TheoryData<int, int> All
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (var columns = 1; columns <= 130; columns++)
                data.Add(3, columns);
            data.Add(16, 384);
            data.Add(17, 48);
            data.Add(1025, 20);
            return data;
        }
    }

    /// <summary>
    /// Each result is a handful of products of numbers of size 1 and of means over n terms. A sum of n terms of size at most 1 by 4 or more
    /// lanes rounds at most (n / 4 + 4) u times n, so a mean (n / 4 + 4) u; 8 such errors meet in the longest formula (dx).
    /// u = 2^-24, the unit roundoff of a float.
    /// </summary>
    public static double Tolerance(int terms) => 8 * ((terms / 4.0) + 4) * Math.Pow(2, -24);

    /// <summary>The factor by which dx amplifies errors: rstd, squared because h, a factor of the last term, holds one more.</summary>
    public static double LargestRstd(PinnedFloats x, int rows, int columns, bool centered, double epsilon)
    {
        double largest = 1;
        for (var r = 0; r < rows; r++)
        {
            var row = x.Span.Slice(r * columns, columns).ToArray();
            var mean = centered ? row.Average(v => (double)v) : 0;
            largest = Math.Max(largest, 1 / Math.Sqrt(row.Average(v => Math.Pow(v - mean, 2)) + epsilon));
        }

        return largest * largest;
    }

    public static void AssertClose(double[] expected, PinnedFloats actual, int terms, double scale = 1)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance(terms) * Math.Max(scale, Math.Abs(expected[i])));
    }
}
