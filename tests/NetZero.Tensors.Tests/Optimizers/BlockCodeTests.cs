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
            return (codes, code.Encode<Cpu.Lanes4>(v, (sbyte*)c));
    }

    private static float[] Decode(BlockCode code, byte[] codes, float scale)
    {
        var values = new float[Block];
        fixed (float* v = values)
        fixed (byte* c = codes)
            code.Decode<Cpu.Lanes4>((sbyte*)c, scale, v);
        return values;
    }

    // All 256, ascending.
    private static float[] Numbers(bool signed) => [.. Decode(Code(signed), [.. Enumerable.Range(0, Block).Select(i => (byte)i)], 1).Order()];

    // r(s), plainly: where s = 2^(e + f) lies in straight lines from octave to octave, a fourth of it is where r(s) lies.
    private static double Root(double share)
    {
        var exponent = Math.Floor(Math.Log2(share));
        var place = (exponent + (share / Math.Pow(2, exponent)) - 1) / 4;
        return Math.Pow(2, Math.Floor(place)) * (1 + place - Math.Floor(place));
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public void Numbers_FillRangesOfSixteen_EachHalfAsFinelyAsTheOneAbove(bool signed)
    {
        var values = Numbers(signed);
        Assert.Equal(256, values.Distinct().Count());
        Assert.Equal(signed, values.Contains(0f));
        Assert.Equal(signed ? -1f : 1f, signed ? values[0] : values[^1]);
        Assert.Equal(signed ? MathF.ScaleB(1, -28) : MathF.ScaleB(1, -32), values.Where(v => v > 0).Min());
        for (var range = 0; range < (signed ? 7 : 8); range++)
        {
            var (low, high) = (Math.Pow(16, -range - 1), Math.Pow(16, -range));
            var steps = (signed ? 64 : 128) >> range;
            Assert.Equal(signed && range == 0 ? steps - 1 : steps, values.Count(v => v > low && v <= high));
            Assert.Equal(signed ? steps : 0, values.Count(v => -v > low && -v <= high));
        }

        // Of the upper range each octave has as many, equally far apart.
        var octave = values.Select(MathF.Abs).Distinct().Where(v => v is >= 0.25f and <= 0.5f).Order().ToArray();
        Assert.Equal(signed ? 17 : 33, octave.Length);
        Assert.All(octave.Zip(octave.Skip(1)), pair => Assert.Equal(0.25 / (octave.Length - 1), pair.Second - pair.First));
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public void EveryShare_TakesTheNearestNumber_AsTheirRootsLie(bool signed)
    {
        // Sizes over the whole range, all leading bits, with the largest of a block where the scale is made from: -1, as a signed scale has it, or 1.
        var steps = signed ? 128 : 256;
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
                // Positions from 0 to the number of steps: within half a step, and what the shift and the sum with 1.5 2^23 cut off. What would be beyond the largest number, or
                // below the smallest, becomes that.
                double j = values[i] == 0 ? 0 : steps * Root(Math.Abs((double)values[i])), k = found[i] == 0 ? 0 : steps * Root(Math.Abs((double)found[i]));
                j = Math.Max(j, signed ? 0 : 1);
                if (signed && values[i] > 0)
                    j = Math.Min(j, 127);
                Assert.True(Math.Abs(j - k) <= 0.5 + 1e-4, $"{values[i]:R} became {found[i]:R}");
                Assert.True(found[i] == 0 || float.IsNegative(found[i]) == float.IsNegative(values[i]));
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
            var size = Math.Pow(10, random.Next(-36, 38));
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
                code.Decode<T>((sbyte*)c, code.Encode<T>(v, (sbyte*)c), d);
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
