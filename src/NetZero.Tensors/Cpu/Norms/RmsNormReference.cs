namespace NetZero.Tensors.Cpu;

/// <summary>Root-mean-square normalisation, plainly, in double precision: what the kernels are tested against.</summary>
internal static class RmsNormReference
{
    public static (double[] Y, double[] Rstd) Forward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, int rows, int columns, double epsilon)
    {
        var (y, rstd) = (new double[rows * columns], new double[rows]);
        for (var r = 0; r < rows; r++)
        {
            double squares = 0;
            for (var c = 0; c < columns; c++)
                squares += Math.Pow(x[(r * columns) + c], 2);
            rstd[r] = 1 / Math.Sqrt((squares / columns) + epsilon);
            for (var c = 0; c < columns; c++)
                y[(r * columns) + c] = x[(r * columns) + c] * rstd[r] * gamma[c];
        }

        return (y, rstd);
    }

    public static (double[] Dx, double[] Dgamma) Backward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> dy, int rows, int columns, double epsilon)
    {
        var (_, rstd) = Forward(x, gamma, rows, columns, epsilon);
        var (dx, dgamma) = (new double[rows * columns], new double[columns]);
        for (var r = 0; r < rows; r++)
        {
            double sumGh = 0;
            for (var c = 0; c < columns; c++)
            {
                var i = (r * columns) + c;
                sumGh += dy[i] * gamma[c] * x[i] * rstd[r];
                dgamma[c] += dy[i] * x[i] * rstd[r];
            }

            for (var c = 0; c < columns; c++)
            {
                var i = (r * columns) + c;
                dx[i] = rstd[r] * ((dy[i] * gamma[c]) - (x[i] * rstd[r] * sumGh / columns));
            }
        }

        return (dx, dgamma);
    }
}
