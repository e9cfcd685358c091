using System.Buffers.Binary;

namespace NetZero.Tensors;

/// <summary>Codes of frozen matrices: where they lie, how they are made, and what they stand for. Slow and readable; <see cref="Cpu.DequantizeKernel"/> decodes fast.</summary>
/// <remarks>
/// Note: groups of blocks. Elements are taken in row-major order. 64 make a block, which has a scale, the largest magnitude in it; 256 blocks make a group, whose scales are stored in 8
/// bits each between the smallest and the largest of them (double quantisation; QLoRA, section 3, with a range instead of a mean). A group is a stretch of bytes of its own: smallest
/// scale and step between scales as fp32, the scales' codes, then the elements' codes block by block. So any range of a matrix, and any shard, is encoded and decoded alone. The last group of a
/// matrix has as many blocks as are left, and the last block is filled up with zeros.
/// In NF4, byte i of a block holds element i in its low and element 32 + i in its high half.
/// </remarks>
public static class BlockQuantization
{
    /// <summary>Elements of a block: those that QLoRA takes for weights.</summary>
    public const int BlockElements = 64;

    /// <summary>Blocks of a group: those that QLoRA takes for scales.</summary>
    public const int GroupBlocks = 256;

    /// <summary>Elements of a group.</summary>
    public const int GroupElements = BlockElements * GroupBlocks;

    /// <summary>Bytes before the scales of a group.</summary>
    internal const int HeadBytes = 2 * sizeof(float);

    private const int ScaleCodes = 255;
    private const int LargestInt8 = 127;

    /// <summary>The values of NF4's codes: quantiles of the normal distribution, scaled to [-1, 1], with an exact zero (QLoRA, appendix E).</summary>
    public static ReadOnlySpan<float> NormalFloats =>
    [
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f,
    ];

    /// <summary>Bytes that the codes of so many elements take, scales included.</summary>
    public static long Bytes(BlockFormat format, long elements)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        var blocks = (elements + BlockElements - 1) / BlockElements;
        var groups = (blocks + GroupBlocks - 1) / GroupBlocks;
        return (groups * HeadBytes) + (blocks * (1 + BlockBytes(format)));
    }

    /// <summary>Bytes of the elements' codes of a block.</summary>
    internal static int BlockBytes(BlockFormat format) => format == BlockFormat.Int8 ? BlockElements : BlockElements / 2;

    /// <summary>Where a group begins; all before it are whole.</summary>
    internal static long GroupStart(BlockFormat format, long group) => group * (HeadBytes + (GroupBlocks * (1L + BlockBytes(format))));

    /// <summary>Makes the codes of one group.</summary>
    /// <param name="format">The format.</param>
    /// <param name="values">Its elements: <see cref="GroupElements"/>, or fewer for the last of a matrix.</param>
    /// <param name="codes">Receives <see cref="Bytes"/> bytes.</param>
    public static void EncodeGroup(BlockFormat format, ReadOnlySpan<float> values, Span<byte> codes)
    {
        var blocks = (values.Length + BlockElements - 1) / BlockElements;
        if (blocks is 0 or > GroupBlocks || codes.Length != Bytes(format, values.Length))
            throw new ArgumentException($"A group of {values.Length} elements in {codes.Length} bytes; expected 1 to {GroupElements} elements and {Bytes(format, values.Length)} bytes.", nameof(codes));
        Span<float> scales = stackalloc float[blocks];
        for (var block = 0; block < blocks; block++)
            scales[block] = Largest(Block(values, block));
        var (low, high) = (scales[0], scales[0]);
        foreach (var scale in scales)
            (low, high) = (MathF.Min(low, scale), MathF.Max(high, scale));
        var step = (high - low) / ScaleCodes;
        BinaryPrimitives.WriteSingleLittleEndian(codes, low);
        BinaryPrimitives.WriteSingleLittleEndian(codes[sizeof(float)..], step);
        var bytes = codes[(HeadBytes + blocks)..];
        for (var block = 0; block < blocks; block++)
        {
            var code = step > 0 ? (int)MathF.Round((scales[block] - low) / step) : 0;
            codes[HeadBytes + block] = (byte)Math.Clamp(code, 0, ScaleCodes);

            // By the scale that decoding finds, so that its rounding costs least.
            EncodeBlock(format, Block(values, block), Scale(low, step, codes[HeadBytes + block]), bytes.Slice(block * BlockBytes(format), BlockBytes(format)));
        }
    }

    /// <summary>What the codes of one group stand for.</summary>
    /// <param name="format">The format.</param>
    /// <param name="codes">The bytes of the group.</param>
    /// <param name="values">Receives its elements.</param>
    public static void DecodeGroupReference(BlockFormat format, ReadOnlySpan<byte> codes, Span<float> values)
    {
        var blocks = (values.Length + BlockElements - 1) / BlockElements;
        var (low, step) = (BinaryPrimitives.ReadSingleLittleEndian(codes), BinaryPrimitives.ReadSingleLittleEndian(codes[sizeof(float)..]));
        var bytes = codes[(HeadBytes + blocks)..];
        for (var i = 0; i < values.Length; i++)
        {
            var (block, at) = (i / BlockElements, i % BlockElements);
            var scale = Scale(low, step, codes[HeadBytes + block]);
            var code = bytes.Slice(block * BlockBytes(format), BlockBytes(format));
            values[i] = format == BlockFormat.Int8 ? (sbyte)code[at] * (scale / LargestInt8)
                : scale * NormalFloats[at < BlockElements / 2 ? code[at] & 15 : code[at - (BlockElements / 2)] >> 4];
        }
    }

    /// <summary>A block's scale from its code: one product and one sum, each rounded.</summary>
    internal static float Scale(float low, float step, byte code) => low + (step * code);

    private static ReadOnlySpan<float> Block(ReadOnlySpan<float> values, int block) =>
        values.Slice(block * BlockElements, Math.Min(BlockElements, values.Length - (block * BlockElements)));

    private static float Largest(ReadOnlySpan<float> block)
    {
        float largest = 0;
        foreach (var value in block)
            largest = MathF.Max(largest, MathF.Abs(value));
        return largest;
    }

    private static void EncodeBlock(BlockFormat format, ReadOnlySpan<float> values, float scale, Span<byte> codes)
    {
        codes.Clear();
        if (format == BlockFormat.Int8)
        {
            for (var i = 0; i < values.Length; i++)
                codes[i] = (byte)(sbyte)(scale > 0 ? Math.Clamp(MathF.Round(values[i] / scale * LargestInt8), -LargestInt8, LargestInt8) : 0);
            return;
        }

        for (var i = 0; i < BlockElements; i++)
        {
            var code = i < values.Length && scale > 0 ? Nearest(values[i] / scale) : ZeroCode;
            codes[i % (BlockElements / 2)] |= (byte)(i < BlockElements / 2 ? code : code << 4);
        }
    }

    private const int ZeroCode = 7;

    private static int Nearest(float value)
    {
        var table = NormalFloats;
        var best = 0;
        for (var code = 1; code < table.Length; code++)
            if (MathF.Abs(table[code] - value) < MathF.Abs(table[best] - value))
                best = code;
        return best;
    }
}
