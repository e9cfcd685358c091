namespace NetZero.Tensors.Cpu;

/// <summary>Turns strided, repeated or byte operands into contiguous floats, a few at a time, so that loops know one layout only.</summary>
internal static unsafe class Tile
{
    /// <summary>Floats in a tile: 2 KiB, so that the four operands of a kernel stay in the L1 cache and on the stack.</summary>
    public const int Length = 512;

    /// <summary>
    /// <paramref name="count"/> floats from <paramref name="source"/> on: in place where they are contiguous, else in <paramref
    /// name="buffer"/>.
    /// </summary>
    public static float* Read(float* source, long stride, float* buffer, int count)
    {
        if (stride == 1)
            return source;
        if (stride == 0)
        {
            new Span<float>(buffer, count).Fill(*source);
            return buffer;
        }

        for (var i = 0; i < count; i++)
            buffer[i] = source[i * stride];
        return buffer;
    }

    /// <summary>Bytes as floats.</summary>
    public static float* Read(byte* source, long stride, float* buffer, int count)
    {
        for (var i = 0; i < count; i++)
            buffer[i] = source[i * stride];
        return buffer;
    }

    /// <summary>Writes contiguous floats apart.</summary>
    public static void Scatter(float* source, float* target, long stride, int count)
    {
        for (var i = 0; i < count; i++)
            target[i * stride] = source[i];
    }
}
