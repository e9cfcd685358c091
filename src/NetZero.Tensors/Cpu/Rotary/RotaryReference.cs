namespace NetZero.Tensors.Cpu;

/// <summary>Rotary embedding of one head's channels at one position, plainly: what the kernel is tested against.</summary>
internal static class RotaryReference
{
    public static double[] Turn(ReadOnlySpan<float> x, double position, double frequencyBase)
    {
        var (y, half) = (new double[x.Length], x.Length / 2);
        for (var i = 0; i < half; i++)
        {
            var (sine, cosine) = Math.SinCos(position * Math.Pow(frequencyBase, -2.0 * i / x.Length));
            y[i] = (x[i] * cosine) - (x[i + half] * sine);
            y[i + half] = (x[i + half] * cosine) + (x[i] * sine);
        }

        return y;
    }
}
