namespace NetZero.Tensors.Tests;

/// <summary>8-bit codes of blocks: every value takes the nearest number, and what must survive does.</summary>
public unsafe class BlockCodeTests
{
    private const int Block = FlatState.BlockElements;

    public static TheoryData<bool> Signs => [true, false];

    private static BlockCode Code(bool signed) => signed ? BlockCode.Signed : BlockCode.Unsigned;

    private static (byte[] Codes, float Scale) Encode(BlockCode code, float[] values)
    {
        var (copy, codes) = (values.ToArray(), new byte[Block]);
        fixed (float* v = copy)
        fixed (byte* c = codes)
            return (codes, code.Encode<Cpu.Lanes4>(v, c));
    }

    private static float[] Decode(BlockCode code, byte[] codes, float scale)
    {
        var values = new float[Block];
        fixed (float* v = values)
        fixed (byte* c = codes)
            code.Decode<Cpu.Lanes4>(c, scale, v);
        return values;
    }

    // All 256, ascending.
    private static float[] Numbers(bool signed) => [.. Decode(Code(signed), [.. Enumerable.Range(0, Block).Select(i => (byte)i)], 1).Order()];

    [Theory]
    [MemberData(nameof(Signs))]
    public void Numbers_FillSevenDecades_EachTwiceAsFinely_UpToOne(bool signed)
    {
        var values = Numbers(signed);
        Assert.Equal(256, values.Distinct().Count());
        Assert.Contains(0f, values);
        Assert.Equal(signed ? -1f : 1f, signed ? values[0] : values[^1]);
        for (var decade = 0; decade < 7; decade++)
        {
            // The last place of a number may lie to either side of the decade's end.
            var (low, high) = (Math.Pow(10, -decade - 1) * (1 + 1e-5), Math.Pow(10, -decade) * (1 + 1e-5));
            var parts = (signed ? 1 : 2) << (6 - decade);
            Assert.Equal(signed && decade == 0 ? parts - 1 : parts, values.Count(v => v > low && v < high));
            Assert.Equal(signed ? parts : 0, values.Count(v => -v > low && -v < high));
        }
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public void EveryShare_TakesTheNearestNumber(bool signed)
    {
        // Sizes over the whole range, all leading bits, with the largest of a block where the scale is made from: -1, as a signed scale has it, or 1.
        var numbers = Numbers(signed);
        var shares = new List<float> { 0 };
        for (var leading = 0u; leading < 127u << 7; leading++)
            shares.AddRange([BitConverter.UInt32BitsToSingle(leading << 16), BitConverter.UInt32BitsToSingle((leading << 16) | 0xFFFF)]);
        if (signed)
            shares.AddRange([.. shares.Select(s => -s)]);
        for (var first = 0; first < shares.Count; first += Block - 1)
        {
            var values = new float[Block];
            shares.Skip(first).Take(Block - 1).ToArray().CopyTo(values, 0);
            values[^1] = signed ? -1 : 1;
            var (codes, scale) = Encode(Code(signed), values);
            Assert.Equal(1, scale);
            var found = Decode(Code(signed), codes, scale);
            for (var i = 0; i < Block; i++)
            {
                // Position and number are a few roundings away from exact, of terms of up to 8 times the value (0.8 of a decade that begins at 0.1): next to the middle
                // between two numbers either will do.
                var allowed = !signed && values[i] > 0 ? numbers.Where(n => n > 0) : numbers;
                var nearest = allowed.Min(n => Math.Abs((double)n - values[i]));
                Assert.True(Math.Abs((double)found[i] - values[i]) <= nearest + (4 * 8 * Math.Pow(2, -24) * Math.Abs(values[i])), $"{values[i]:R} became {found[i]:R}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public void ABlockCodedTwice_IsTheSame_AndKeepsItsLargestExactly(bool signed)
    {
        var random = new Random(3);
        for (var round = 0; round < 50; round++)
        {
            var size = Math.Pow(10, random.Next(-30, 30));
            var values = Enumerable.Range(0, Block).Select(_ => (float)(size * Math.Pow(10, -8 * random.NextDouble()) * (signed && random.Next(2) == 0 ? -1 : 1))).ToArray();
            var once = Encode(Code(signed), values);
            var decoded = Decode(Code(signed), once.Codes, once.Scale);
            var twice = Encode(Code(signed), decoded);
            Assert.Equal(values.MaxBy(MathF.Abs), decoded[Array.IndexOf(values, values.MaxBy(MathF.Abs))]);
            Assert.Equal(once.Scale, twice.Scale);
            Assert.Equal(once.Codes, twice.Codes);
        }
    }

    [Fact]
    public void EveryWidth_GivesTheSameBits()
    {
        var random = new Random(4);
        var values = Enumerable.Range(0, Block).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, -8 * random.NextDouble()))).ToArray();
        foreach (var signed in new[] { true, false })
        {
            var input = signed ? values : [.. values.Select(MathF.Abs)];
            var expected = Both<Cpu.Lanes1>(Code(signed), input);
            Assert.Equal(expected, Both<Cpu.Lanes4>(Code(signed), input));
            if (Cpu.Lanes8.IsSupported)
                Assert.Equal(expected, Both<Cpu.Lanes8>(Code(signed), input));
            if (Cpu.Lanes16.IsSupported)
                Assert.Equal(expected, Both<Cpu.Lanes16>(Code(signed), input));
        }

        static float[] Both<T>(BlockCode code, float[] values)
            where T : struct, Cpu.ILanes<T>
        {
            var (copy, codes, decoded) = (values.ToArray(), new byte[Block], new float[Block]);
            fixed (float* v = copy, d = decoded)
            fixed (byte* c = codes)
                code.Decode<T>(c, code.Encode<T>(v, c), d);
            return decoded;
        }
    }

    [Fact]
    public void Squares_ThatArePositive_NeverBecomeZero()
    {
        var values = Enumerable.Range(0, Block).Select(i => MathF.ScaleB(1, -i / 2)).ToArray();
        var (codes, scale) = Encode(BlockCode.Unsigned, values);
        Assert.All(Decode(BlockCode.Unsigned, codes, scale), v => Assert.True(v > 0));
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public void ABlockOfZeros_ReadsAsZeros_AsMemoryThatWasJustMade(bool signed)
    {
        var (codes, scale) = Encode(Code(signed), new float[Block]);
        Assert.Equal(0, scale);
        Assert.All(Decode(Code(signed), codes, scale), v => Assert.Equal(0, Math.Abs(v)));
        Assert.All(Decode(Code(signed), new byte[Block], 0), v => Assert.Equal(0, Math.Abs(v)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void ABrokenValue_BreaksItsBlock_SoThatItShows(float broken)
    {
        var values = Enumerable.Repeat(1f, Block).ToArray();
        values[17] = broken;
        var (codes, scale) = Encode(BlockCode.Signed, values);
        Assert.False(float.IsFinite(scale));
        Assert.All(Decode(BlockCode.Signed, codes, scale), v => Assert.False(float.IsFinite(v)));
    }
}
