using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Copies;

[Trait("Category", "Kernel")]
public unsafe class CastKernelTests
{
    public static TheoryData<DType, DType> Pairs
    {
        get
        {
            var pairs = new TheoryData<DType, DType>();
            foreach (var from in Enum.GetValues<DType>())
                foreach (var to in Enum.GetValues<DType>())
                    if (from != to)
                        pairs.Add(from, to);
            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Cast_EveryLengthTo130_MatchesCSharpsOwnConversions(DType from, DType to)
    {
        for (var n = 1; n <= 130; n++)
            Check(from, to, n, seed: n);
        Check(from, to, 40_000, seed: 1);
    }

    [Fact]
    public void Cast_FromEveryHalfAndBFloat16_WidensExactly()
    {
        var bits = Enumerable.Range(0, 1 << 16).Select(i => (ushort)i).ToArray();
        fixed (ushort* source = bits)
        {
            Compare(source, DType.F16, DType.F32, bits.Length);
            Compare(source, DType.BF16, DType.F32, bits.Length);
        }
    }

    // A step that is coprime to 2^32 visits floats of every exponent; beside them, each tie between neighbouring 16-bit numbers.
    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Cast_FromFloatsOfEveryKind_RoundsToNearestEven(DType to)
    {
        var bits = new List<uint>();
        for (ulong i = 0; i < 1UL << 32; i += 4099)
            bits.Add((uint)i);
        for (uint half = 0; half < 1 << 16; half += 3)
        {
            var lower = to == DType.F16
                ? BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)half))
                : half << 16;
            var tie = to == DType.F16 ? 0x1000u : 0x8000u;
            bits.AddRange([lower + tie - 1, lower + tie, lower + tie + 1]);
        }

        // Halves below 2^-14 are multiples of 2^-24: ties are odd multiples of 2^-25.
        for (var i = -2049; i <= 2049; i += 2)
            bits.Add(BitConverter.SingleToUInt32Bits(i * MathF.ScaleB(1, -25)));
        fixed (uint* source = bits.ToArray())
            Compare(source, DType.F32, to, bits.Count);
    }

    private static void Check(DType from, DType to, int n, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[n * from.SizeInBytes()];
        fixed (byte* source = bytes)
        {
            for (var i = 0; i < n; i++)
            {
                var magnitude = random.Next(4) == 0 ? 1e12f : 300f;
                var value = ((2 * random.NextSingle()) - 1) * magnitude;
                CopyReference.Cast(&value, DType.F32, source + (i * from.SizeInBytes()), from, 0);
            }

            Compare(source, from, to, n);
        }
    }

    private static void Compare(void* source, DType from, DType to, int n)
    {
        var size = to.SizeInBytes();
        var expected = new byte[n * size];
        var actual = new byte[n * size];
        using var workers = new WorkerPool(2);
        fixed (byte* reference = expected, result = actual)
        {
            for (var i = 0; i < n; i++)
                CopyReference.Cast(source, from, reference, to, i);
            new CastKernel(source, from, result, to, n).Run(workers);
            for (var i = 0; i < n; i++)
            {
                var same = expected.AsSpan(i * size, size).SequenceEqual(actual.AsSpan(i * size, size));
                if (!same)
                    Assert.True(IsNaN(reference, to, i) && IsNaN(result, to, i), $"{from} to {to}, element {i}");
            }
        }
    }

    // NaNs may differ in their payload.
    private static bool IsNaN(void* values, DType dtype, int i) => dtype switch
    {
        DType.F32 => float.IsNaN(((float*)values)[i]),
        DType.F16 => Half.IsNaN(((Half*)values)[i]),
        DType.BF16 => float.IsNaN((float)((BFloat16*)values)[i]),
        _ => false,
    };
}
