using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

/// <summary>Codes in blocks: how many bytes, how far off, and that the kernel has the bits of the reference.</summary>
public class BlockQuantizationTests
{
    // One element more or less than a block, a group, and several.
    public static TheoryData<BlockFormat, int> Lengths
    {
        get
        {
            var data = new TheoryData<BlockFormat, int>();
            foreach (var format in Enum.GetValues<BlockFormat>())
                foreach (var length in (int[])[1, 63, 64, 65, 1000, 16383, 16384, 16385, (5 * 16384) + 777])
                    data.Add(format, length);
            return data;
        }
    }

    [Theory]
    [InlineData(BlockFormat.NormalFloat4, 768 * 3072, 0.5162)]
    [InlineData(BlockFormat.Int8, 768 * 3072, 1.0162)]
    public void Bytes_AreCodesAnEighthOfAByteAScaleAndEightAGroup(BlockFormat format, long elements, double perElement) =>
        Assert.InRange(BlockQuantization.Bytes(format, elements) / (double)elements, 0, perElement);

    // NF4's widest gap between neighbours, 0.304 of the scale, is halved by rounding; int8's is 1/127. A scale is off by half a step of (largest - smallest) / 255, which costs
    // as much of an element of the full magnitude.
    [Theory]
    [MemberData(nameof(Lengths))]
    public void Codes_AreWithinHalfAGapOfTheValues_AndTheKernelHasTheBitsOfTheReference(BlockFormat format, int length)
    {
        var values = Values(length);
        var codes = Encode(format, values);
        var decoded = Decode(format, codes, length);
        Assert.Equal(BlockQuantization.Bytes(format, length), codes.Length);
        for (var i = 0; i < length; i++)
        {
            var scale = values.Skip(i / 64 * 64).Take(64).Max(Math.Abs);
            var largest = values.Skip(i / 16384 * 16384).Take(16384).Max(Math.Abs);
            var gap = format == BlockFormat.Int8 ? 1 / 254.0 : 0.1521;
            Assert.InRange(Math.Abs(values[i] - decoded[i]), 0, (gap * scale) + (largest / 500));
        }

        foreach (var (first, count) in ((int, int)[])[(0, length), (length / 3, length - (length / 3)), (length / 2, Math.Min(100, length - (length / 2)))])
            Assert.Equal(decoded[first..(first + count)], Widen(format, codes, length, first, count));
    }

    [Theory]
    [InlineData(BlockFormat.Int8)]
    [InlineData(BlockFormat.NormalFloat4)]
    public void Zeros_AndALoneLargeValue_AreExact(BlockFormat format)
    {
        var values = new float[200];
        values[70] = -3.5f;
        var decoded = Decode(format, Encode(format, values), values.Length);
        Assert.Equal(values, decoded);
    }

    [Fact]
    public void NormalFloats_AreThemselves()
    {
        var values = Enumerable.Range(0, 64).Select(i => BlockQuantization.NormalFloats[i % 16]).ToArray();
        Assert.Equal(values, Decode(BlockFormat.NormalFloat4, Encode(BlockFormat.NormalFloat4, values), 64));
    }

    // y = x W + b and dx = dy W' with the values that the codes stand for: as the plain op, in the same order but for sums over panels.
    [Theory]
    [InlineData(BlockFormat.NormalFloat4, false, 48, 40)]
    [InlineData(BlockFormat.NormalFloat4, true, 48, 40)]
    [InlineData(BlockFormat.Int8, false, 1100, 2100)]
    [InlineData(BlockFormat.Int8, true, 1100, 2100)]
    public void QuantizedLinear_IsLinearOfTheDecodedWeights(BlockFormat format, bool outputFirst, int input, int output)
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
        var (rows, columns) = outputFirst ? (output, input) : (input, output);
        var codes = Encode(format, Values(rows * columns));
        var dense = context.From<float>(Decode(format, codes, rows * columns), [rows, columns]);
        var weight = FrozenMatrix.Of(context.From<byte>(codes, [codes.Length]), format, rows, columns);
        foreach (var dtype in (DType[])[DType.F32, DType.BF16])
        {
            var x = MatrixProduct.Uniform(context, [2, 3, input], 1).Cast(dtype).Detach().RequireGrad();
            var other = x.Detach().Contiguous().RequireGrad();
            var bias = MatrixProduct.Uniform(context, [output], 2);
            var g = MatrixProduct.Uniform(context, [2, 3, output], 3).Cast(dtype);
            var (found, expected) = (x.QuantizedLinear(weight, bias, outputFirst), other.Linear(dense, bias, outputFirst));
            Assert.Equal(dtype, found.DType);

            // Sums of up to 2,100 products below 1: a few roundings of each are relative to their magnitude. 16 bits round once more, to 1/256.
            var tolerance = dtype == DType.F32 ? 1e-3 : 0.3;
            AssertClose(expected, found, tolerance);
            found.Backward(g);
            expected.Backward(g.Cast(DType.F32));
            AssertClose(other.Grad!, x.Grad!, tolerance);
        }
    }

    [Fact]
    public void QuantizedLinear_HasNoMoreThanAPanelInFp32()
    {
        using var context = new TensorContext();
        var codes = context.From<byte>(Encode(BlockFormat.NormalFloat4, Values(2048 * 4096)), [BlockQuantization.Bytes(BlockFormat.NormalFloat4, 2048 * 4096)]);
        context.Zeros([1, 2048]).QuantizedLinear(FrozenMatrix.Of(codes, BlockFormat.NormalFloat4, 2048, 4096));
        Assert.InRange(context.Ledger.PeakSnapshot()[(int)MemoryKind.Workspace], 4 << 20, 8 << 20);
    }

    [Fact]
    public void QuantizedEmbedding_GivesRows_AndRefusesOthers()
    {
        using var context = new TensorContext();
        var codes = Encode(BlockFormat.NormalFloat4, Values(37 * 50));
        var table = FrozenMatrix.Of(context.From<byte>(codes, [codes.Length]), BlockFormat.NormalFloat4, 37, 50);
        var rows = table.QuantizedEmbedding(context.From<int>([36, 0, 5, 36], [2, 2])).ToArray<float>();
        var decoded = Decode(BlockFormat.NormalFloat4, codes, 37 * 50);
        Assert.Equal([.. decoded[(36 * 50)..], .. decoded[..50], .. decoded[250..300], .. decoded[(36 * 50)..]], rows);
        Assert.Throws<ArgumentException>(() => table.QuantizedEmbedding(context.From<int>([37], [1])));
        Assert.Contains("no codes of a matrix", Assert.Throws<ArgumentException>(() => FrozenMatrix.Of(context.From<byte>(codes, [codes.Length]), BlockFormat.Int8, 37, 50)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoraLinear_OnCodes_IsThatOfTheDecodedWeights()
    {
        using var context = new TensorContext();
        var codes = Encode(BlockFormat.NormalFloat4, Values(40 * 70));
        var dense = context.From<float>(Decode(BlockFormat.NormalFloat4, codes, 40 * 70), [40, 70]);
        var weight = FrozenMatrix.Of(context.From<byte>(codes, [codes.Length]), BlockFormat.NormalFloat4, 40, 70);
        var (a, b) = (MatrixProduct.Uniform(context, [4, 40], 2).RequireGrad(), MatrixProduct.Uniform(context, [70, 4], 3).RequireGrad());
        var found = Run(weight);
        var expected = Run(dense);
        for (var i = 0; i < found.Length; i++)
            for (var j = 0; j < found[i].Length; j++)
                Assert.Equal(expected[i][j], found[i][j], 1e-4f);

        float[][] Run(FrozenMatrix w)
        {
            var x = MatrixProduct.Uniform(context, [5, 40], 1).RequireGrad();
            var (da, db) = (a.Detach().Contiguous().RequireGrad(), b.Detach().Contiguous().RequireGrad());
            var y = x.LoraLinear(w, null, da, db, 2);
            y.Backward(MatrixProduct.Uniform(context, [5, 70], 4));
            return [y.ToArray<float>(), x.Grad!.ToArray<float>(), da.Grad!.ToArray<float>(), db.Grad!.ToArray<float>()];
        }
    }

    private static void AssertClose(Tensor expected, Tensor found, double tolerance)
    {
        var (a, b) = (expected.Cast(DType.F32).ToArray<float>(), found.Cast(DType.F32).ToArray<float>());
        for (var i = 0; i < a.Length; i++)
            Assert.Equal(a[i], b[i], (float)tolerance);
    }

    // Of very different magnitude from block to block.
    private static float[] Values(int length) => [.. Enumerable.Range(0, length).Select(i => MathF.Sin((i * 0.37f) + (i / 64)) * (1 + (i / 64 % 7)) / 7)];

    private static byte[] Encode(BlockFormat format, float[] values) => [.. values.Chunk(BlockQuantization.GroupElements).SelectMany(group =>
    {
        var codes = new byte[BlockQuantization.Bytes(format, group.Length)];
        BlockQuantization.EncodeGroup(format, group, codes);
        return codes;
    })];

    private static float[] Decode(BlockFormat format, byte[] codes, int length)
    {
        var values = new float[length];
        for (var first = 0; first < length; first += BlockQuantization.GroupElements)
        {
            var count = Math.Min(BlockQuantization.GroupElements, length - first);
            var start = (int)BlockQuantization.Bytes(format, first);
            BlockQuantization.DecodeGroupReference(format, codes.AsSpan(start, (int)BlockQuantization.Bytes(format, count)), values.AsSpan(first, count));
        }

        return values;
    }

    private static unsafe float[] Widen(BlockFormat format, byte[] codes, int length, int first, int count)
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
        var y = context.Empty([count]);
        context.Launch(new DequantizeKernel((byte*)context.From<byte>(codes, [codes.Length]).Bytes(), format, length, first, y.Data<float>(), count));
        return y.ToArray<float>();
    }
}
