using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>The tile sizes of attention, and how operands are copied into tiles.</summary>
internal static unsafe class AttentionTiles
{
    /// <summary>Queries of a tile: a multiple of <see cref="TileProduct.Rows"/> that divides <see cref="Keys"/>, so that under the causal mask
    /// every query of a tile sees at least the first key of each tile that any of them sees.</summary>
    public const long Queries = 64;

    /// <summary>Keys of a tile: four of the widest vectors. 64 x 64 transposed keys are 16 KiB: half of a small first-level cache.</summary>
    public const long Keys = 64;

    /// <summary>Channels are padded with zeros to whole vectors of the widest kind.</summary>
    public static long PaddedChannels(long channels) => (channels + 15) / 16 * 16;

    public static long PaddedKeys(long tokens) => (tokens + Keys - 1) / Keys * Keys;

    /// <summary>target[r, c] = source[r, c] scale in rows of paddedChannels, zero beyond the source.</summary>
    public static void CopyRows<T>(
        FloatPointer source, long sourceStride, long rows, long channels, float scale, float* target, long paddedRows, long paddedChannels)
        where T : struct, ILanes<T>
    {
        for (long r = 0; r < rows; r++)
        {
            var to = target + (r * paddedChannels);
            var row = source.At(r * sourceStride).Read(channels, to);
            if (row != to || scale != 1)
                StoreRow<T>(row, channels, scale, to);
            Clear(to + channels, paddedChannels - channels);
        }

        Clear(target + (rows * paddedChannels), (paddedRows - rows) * paddedChannels);
    }

    /// <summary>target[c] = source[c] scale: a row of a tile back into an operand, or scaled in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreRow<T>(float* source, long channels, float scale, float* target)
        where T : struct, ILanes<T>
    {
        var factor = T.Splat(scale);
        long c = 0;
        for (; c <= channels - T.Count; c += T.Count)
            T.Store(T.Load(source + c) * factor, target + c);
        for (; c < channels; c++)
            target[c] = source[c] * scale;
    }

    /// <summary>The same into an operand of any type.</summary>
    [SkipLocalsInit]
    public static void StoreRow<T>(float* source, long channels, float scale, FloatPointer target)
        where T : struct, ILanes<T>
    {
        if (target.IsFloat)
        {
            StoreRow<T>(source, channels, scale, target.Floats);
            return;
        }

        var tile = stackalloc float[Tile.Length];
        for (long c = 0; c < channels; c += Tile.Length)
        {
            var count = Math.Min(Tile.Length, channels - c);
            StoreRow<T>(source + c, count, scale, tile);
            target.At(c).Write(tile, count);
        }
    }

    /// <summary>Transposed tiles: target[tile, c, j] = source[tile Keys + j, c], zero for rows beyond the source.</summary>
    public static void CopyTransposed(FloatPointer source, long sourceStride, long rows, long channels, float* target)
    {
        for (long first = 0; first < rows; first += Keys)
        {
            var count = Math.Min(Keys, rows - first);
            var tile = target + (first * channels);
            if (count < Keys)
                Clear(tile, Keys * channels);
            if (source.IsFloat)
                TileTranspose.Transpose(source.Floats + (first * sourceStride), sourceStride, count, channels, tile, Keys);
            else
                TransposeWidened(source.At(first * sourceStride), sourceStride, count, channels, tile);
        }
    }

    // Four rows at a time, as the transpose takes them; the buffer is written before it is read.
    [SkipLocalsInit]
    private static void TransposeWidened(FloatPointer source, long sourceStride, long rows, long channels, float* target)
    {
        const long together = 4, most = 256;
        var buffer = stackalloc float[(int)(together * most)];
        for (long r = 0; r < rows; r += together)
            for (long c = 0; c < channels; c += most)
            {
                var (height, width) = (Math.Min(together, rows - r), Math.Min(most, channels - c));
                for (long i = 0; i < height; i++)
                    source.At(((r + i) * sourceStride) + c).Read(width, buffer + (i * most));
                TileTranspose.Transpose(buffer, most, height, width, target + (c * Keys) + r, Keys);
            }
    }

    public static void Clear(float* target, long count) => new Span<float>(target, checked((int)count)).Clear();
}
