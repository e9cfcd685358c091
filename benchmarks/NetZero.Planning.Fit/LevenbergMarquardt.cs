namespace NetZero.Planning.Fit;

/// <summary>Fits constants to rows: damped least squares with priors, rows far off counting less.</summary>
/// <remarks>
/// D. Marquardt 1963. Each row's residual r is weighed by 1 / (1 + (r / c)^2) (Cauchy's weights, iterated), because published tables hold rows that are plainly
/// different (other versions, throttled machines) and must not bend the rest. Priors are residuals too: (log value - log prior) / spread.
/// </remarks>
internal sealed class LevenbergMarquardt(Residuals residuals, IReadOnlyList<Coefficient> coefficients)
{
    private const double Step = 1e-4;
    private const int Iterations = 8;

    // Rows of one table repeat within about 5 %; beyond it a row counts less. Wider at first, so that constants far from their priors are found at all.
    private static readonly double[] _spreads = [0.4, 0.15, 0.05];
    private double _spread;

    public Calibration Fit(Calibration start)
    {
        var values = coefficients.Select(c => Math.Log(c.Prior)).ToArray();
        foreach (var spread in _spreads)
        {
            _spread = spread;
            values = Descend(start, values);
        }

        return Apply(start, values);
    }

    private double[] Descend(Calibration start, double[] values)
    {
        var calibration = Apply(start, values);
        var rows = residuals.Of(calibration);
        var (damping, cost) = (1e-2, Cost(rows, values));
        for (var iteration = 0; iteration < Iterations; iteration++)
        {
            var jacobian = Jacobian(calibration, values, rows);
            for (; damping < 1e6; damping *= 4)
            {
                var moved = Moved(values, Solve(jacobian, rows, values, damping));
                var next = Apply(start, moved);
                var nextRows = residuals.Of(next);
                var nextCost = Cost(nextRows, moved);
                if (nextCost >= cost)
                    continue;
                var gain = cost - nextCost;
                (values, calibration, rows, cost, damping) = (moved, next, nextRows, nextCost, Math.Max(damping / 6, 1e-6));
                if (gain < 1e-4 * cost)
                    return values;
                break;
            }
        }

        return values;
    }

    private Calibration Apply(Calibration start, double[] values)
    {
        for (var i = 0; i < values.Length; i++)
            start = coefficients[i].Set(start, Math.Exp(values[i]));
        return start;
    }

    private double[] Moved(double[] values, double[] step) =>
        [.. values.Select((value, i) => Math.Min(value + Math.Clamp(step[i], -0.7, 0.7), Math.Log(coefficients[i].Most)))];

    private double Cost(double[] rows, double[] values)
    {
        var sum = 0.0;
        foreach (var r in rows)
            sum += Math.Log(1 + r * r / (_spread * _spread));
        for (var i = 0; i < values.Length; i++)
            sum += Math.Pow((values[i] - Math.Log(coefficients[i].Prior)) / coefficients[i].Spread, 2);
        return sum;
    }

    private double[][] Jacobian(Calibration calibration, double[] values, double[] rows)
    {
        var columns = new double[values.Length][];
        Parallel.For(0, values.Length, i =>
        {
            // A constant touches the rows of its profile or device only; the others' difference is exactly 0.
            var moved = coefficients[i].Set(calibration, Math.Exp(values[i] + Step));
            columns[i] = [.. residuals.Rows.Select((row, r) => coefficients[i].Name.StartsWith(row.ProfileName + ":", StringComparison.Ordinal) || coefficients[i].Name.StartsWith(row.Device + "/", StringComparison.Ordinal)
                ? (residuals.Of(row, moved) - rows[r]) / Step
                : 0)];
        });
        return columns;
    }

    // Normal equations with Cauchy's weights; Cholesky, since damping makes them positive definite.
    private double[] Solve(double[][] jacobian, double[] rows, double[] values, double damping)
    {
        var n = values.Length;
        var weights = rows.Select(r => 1 / (_spread * _spread + r * r)).ToArray();
        var (a, b) = (new double[n, n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
                for (var r = 0; r < rows.Length; r++)
                    a[i, j] += jacobian[i][r] * jacobian[j][r] * weights[r];
            for (var r = 0; r < rows.Length; r++)
                b[i] -= jacobian[i][r] * rows[r] * weights[r];
            var spread = coefficients[i].Spread;
            a[i, i] += 1 / (spread * spread);
            b[i] -= (values[i] - Math.Log(coefficients[i].Prior)) / (spread * spread);
            a[i, i] *= 1 + damping;
        }

        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = a[i, j];
                for (var k = 0; k < j; k++)
                    sum -= a[i, k] * a[j, k];
                a[i, j] = i == j ? Math.Sqrt(sum) : sum / a[j, j];
            }
        }

        for (var i = 0; i < n; i++)
        {
            for (var k = 0; k < i; k++)
                b[i] -= a[i, k] * b[k];
            b[i] /= a[i, i];
        }

        for (var i = n - 1; i >= 0; i--)
        {
            for (var k = i + 1; k < n; k++)
                b[i] -= a[k, i] * b[k];
            b[i] /= a[i, i];
        }

        return b;
    }
}
