namespace NetZero.Tensors.Cpu;

/// <summary>Layer normalisation, plainly, in double precision: what the kernels are tested against.</summary>
internal static class LayerNormReference
{
    public static (double[] Y, double[] Mean, double[] Rstd) Forward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, int rows, int columns, double epsilon)
    {
        var (y, mean, rstd) = (new double[rows * columns], new double[rows], new double[rows]);
        for (var r = 0; r < rows; r++)
        {
            double sum = 0, squares = 0;
            for (var c = 0; c < columns; c++)
                sum += x[(r * columns) + c];
            mean[r] = sum / columns;
            for (var c = 0; c < columns; c++)
                squares += Math.Pow(x[(r * columns) + c] - mean[r], 2);
            rstd[r] = 1 / Math.Sqrt((squares / columns) + epsilon);
            for (var c = 0; c < columns; c++)
                y[(r * columns) + c] = ((x[(r * columns) + c] - mean[r]) * rstd[r] * gamma[c]) + beta[c];
        }

        return (y, mean, rstd);
    }

    public static (double[] Dx, double[] Dgamma, double[] Dbeta) Backward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> dy, int rows, int columns, double epsilon)
    {
        var (_, mean, rstd) = Forward(x, gamma, new float[columns], rows, columns, epsilon);
        var (dx, dgamma, dbeta) = (new double[rows * columns], new double[columns], new double[columns]);
        for (var r = 0; r < rows; r++)
        {
            double sumG = 0, sumGh = 0;
            for (var c = 0; c < columns; c++)
            {
                var i = (r * columns) + c;
                var hat = (x[i] - mean[r]) * rstd[r];
                sumG += dy[i] * gamma[c];
                sumGh += dy[i] * gamma[c] * hat;
                dgamma[c] += dy[i] * hat;
                dbeta[c] += dy[i];
            }

            for (var c = 0; c < columns; c++)
            {
                var i = (r * columns) + c;
                var hat = (x[i] - mean[r]) * rstd[r];
                dx[i] = rstd[r] * ((dy[i] * gamma[c]) - (sumG / columns) - (hat * sumGh / columns));
            }
        }

        return (dx, dgamma, dbeta);
    }
}
