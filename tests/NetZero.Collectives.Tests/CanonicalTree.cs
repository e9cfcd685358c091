using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>The slow, readable definition of a reduction over ranks that every transport must match bit for bit.</summary>
internal static class CanonicalTree
{
    /// <summary>The bytes of the reduction of <c>new TestBuffer(count, dtype).Fill(rank, seed)</c> over ranks.</summary>
    public static byte[] Reduce(int ranks, long count, DType dtype, ReduceOp op, int seed)
    {
        var inputs = new byte[ranks][];
        for (var rank = 0; rank < ranks; rank++)
        {
            using var buffer = new TestBuffer(count, dtype).Fill(rank, seed);
            inputs[rank] = buffer.Bytes;
        }

        return Reduce(inputs, count, dtype, op);
    }

    public static byte[] Reduce(byte[][] inputs, long count, DType dtype, ReduceOp op)
    {
        var size = dtype.SizeInBytes();
        var result = new byte[count * size];
        for (var i = 0; i < count; i++)
        {
            var offset = i * size;
            var bytes = dtype switch
            {
                DType.F32 => BitConverter.GetBytes(Scaled(Tree(inputs, r => BitConverter.ToSingle(r, offset), op, 0, inputs.Length), op, inputs.Length)),
                DType.BF16 => BitConverter.GetBytes(RoundToBFloat16(Scaled(
                    Tree(inputs, r => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(r, offset) << 16), op, 0, inputs.Length), op, inputs.Length))),
                DType.F16 => BitConverter.GetBytes((Half)Scaled(Tree(inputs, r => (float)BitConverter.ToHalf(r, offset), op, 0, inputs.Length), op, inputs.Length)),
                DType.I32 => BitConverter.GetBytes((int)Tree(inputs, r => BitConverter.ToInt32(r, offset), op, 0, inputs.Length)),
                DType.I64 => BitConverter.GetBytes(Tree(inputs, r => BitConverter.ToInt64(r, offset), op, 0, inputs.Length)),
                _ => throw new ArgumentOutOfRangeException(nameof(dtype)),
            };
            bytes.CopyTo(result, offset);
        }

        return result;
    }

    public static float Tree(byte[][] inputs, Func<byte[], float> read, ReduceOp op, int from, int ranks)
    {
        if (ranks == 1)
            return read(inputs[from]);
        var left = Split(ranks);
        var a = Tree(inputs, read, op, from, left);
        var b = Tree(inputs, read, op, from + left, ranks - left);
        return op switch { ReduceOp.Max => MathF.Max(a, b), ReduceOp.Min => MathF.Min(a, b), _ => a + b };
    }

    public static double Tree(ReadOnlySpan<double> values)
    {
        if (values.Length == 1)
            return values[0];
        var left = Split(values.Length);
        return Tree(values[..left]) + Tree(values[left..]);
    }

    // The double nearest to the midpoint rule, written out: of the two neighbours take the nearer one, in a tie the even one.
    public static ushort RoundToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var down = (ushort)(bits >> 16);
        var rest = bits & 0xFFFF;
        return rest > 0x8000 || (rest == 0x8000 && (down & 1) == 1) ? (ushort)(down + 1) : down;
    }

    private static long Tree(byte[][] inputs, Func<byte[], long> read, ReduceOp op, int from, int ranks)
    {
        if (ranks == 1)
            return read(inputs[from]);
        var left = Split(ranks);
        var a = Tree(inputs, read, op, from, left);
        var b = Tree(inputs, read, op, from + left, ranks - left);
        return op switch { ReduceOp.Max => Math.Max(a, b), ReduceOp.Min => Math.Min(a, b), _ => unchecked(a + b) };
    }

    private static int Split(int ranks)
    {
        var left = 1;
        while (left * 2 < ranks)
            left *= 2;
        return left;
    }

    private static float Scaled(float value, ReduceOp op, int ranks) => op == ReduceOp.Average ? value * (1f / ranks) : value;
}
