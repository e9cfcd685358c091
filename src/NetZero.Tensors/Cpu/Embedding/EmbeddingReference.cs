namespace NetZero.Tensors.Cpu;

/// <summary>The embedding's gradient, plainly, in double precision: what the kernel is tested against.</summary>
internal static class EmbeddingReference
{
    public static double[] Backward(ReadOnlySpan<long> ids, ReadOnlySpan<float> dy, int vocabulary, int columns)
    {
        var dweight = new double[vocabulary * columns];
        for (var i = 0; i < ids.Length; i++)
        {
            for (var c = 0; c < columns; c++)
                dweight[(ids[i] * columns) + c] += dy[(i * columns) + c];
        }

        return dweight;
    }
}
