namespace NetZero.Training;

/// <summary>The line a + b x + c y through points, with no coefficient below zero: least squares of relative errors.</summary>
/// <remarks>
/// Of the seven choices of coefficients that may be above zero the best feasible one is the answer (Lawson and Hanson 1974, chapter 23); with three unknowns they
/// can all be tried.
/// </remarks>
internal static class LineFit
{
    // Scales to the unit diagonal; below it a direction is one that the points say nothing about.
    private const double Singular = 1e-9;

    public static (double Constant, double First, double Second) Of(IReadOnlyList<(double X, double Y, double Value)> points)
    {
        var rows = points.Where(point => point.Value > 0).Select(point => new[] { 1 / point.Value, point.X / point.Value, point.Y / point.Value }).ToArray();
        var best = (Error: double.MaxValue, Found: new double[3]);
        for (var chosen = 1; chosen < 8; chosen++)
        {
            var columns = Enumerable.Range(0, 3).Where(i => (chosen >> i & 1) == 1).ToArray();
            if (Solve(rows, columns) is not { } found || Array.Exists(found, value => value < 0))
                continue;
            var error = rows.Sum(row => Math.Pow(row.Zip(found, (x, b) => x * b).Sum() - 1, 2));
            if (error < best.Error * (1 - Singular))
                best = (error, found);
        }

        return (best.Found[0], best.Found[1], best.Found[2]);
    }

    // Normal equations by elimination, columns scaled to length one.
    private static double[]? Solve(double[][] rows, int[] columns)
    {
        var n = columns.Length;
        var scales = columns.Select(c => Math.Sqrt(rows.Sum(row => row[c] * row[c]))).ToArray();
        if (Array.Exists(scales, scale => scale == 0))
            return null;
        var a = new double[n, n + 1];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
                a[i, j] = rows.Sum(row => row[columns[i]] * row[columns[j]]) / (scales[i] * scales[j]);
            a[i, n] = rows.Sum(row => row[columns[i]]) / scales[i];
        }

        for (var i = 0; i < n; i++)
        {
            if (a[i, i] < Singular)
                return null;
            for (var j = i + 1; j < n; j++)
            {
                var factor = a[j, i] / a[i, i];
                for (var k = i; k <= n; k++)
                    a[j, k] -= factor * a[i, k];
            }
        }

        var found = new double[3];
        for (var i = n - 1; i >= 0; i--)
        {
            var sum = a[i, n];
            for (var k = i + 1; k < n; k++)
                sum -= a[i, k] * found[columns[k]] * scales[k];
            found[columns[i]] = sum / a[i, i] / scales[i];
        }

        return found;
    }
}
