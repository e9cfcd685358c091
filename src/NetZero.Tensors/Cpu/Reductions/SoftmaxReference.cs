namespace NetZero.Tensors.Cpu;

/// <summary>Softmax, its logarithm and their gradients for one row, in double precision.</summary>
internal static class SoftmaxReference
{
    public static double[] Forward(ReadOnlySpan<double> x, bool logarithm)
    {
        var max = double.NegativeInfinity;
        foreach (var value in x)
            max = Math.Max(max, value);
        double sum = 0;
        foreach (var value in x)
            sum += Math.Exp(value - max);
        var y = new double[x.Length];
        for (var i = 0; i < y.Length; i++)
            y[i] = logarithm ? x[i] - max - Math.Log(sum) : Math.Exp(x[i] - max) / sum;
        return y;
    }

    public static double[] Backward(ReadOnlySpan<double> y, ReadOnlySpan<double> dy, bool logarithm)
    {
        double sum = 0;
        for (var i = 0; i < y.Length; i++)
            sum += logarithm ? dy[i] : y[i] * dy[i];
        var dx = new double[y.Length];
        for (var i = 0; i < y.Length; i++)
            dx[i] = logarithm ? dy[i] - (Math.Exp(y[i]) * sum) : y[i] * (dy[i] - sum);
        return dx;
    }
}
