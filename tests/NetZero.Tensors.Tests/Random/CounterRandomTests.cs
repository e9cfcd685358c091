namespace NetZero.Tensors.Tests;

public unsafe class CounterRandomTests
{
    private const int Length = 103;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fill_AnyRange_EqualsTheSliceOfTheWhole(bool normal)
    {
        var whole = Fill(0, Length, normal);
        for (var start = 0; start <= 9; start++)
        {
            for (var count = 0; count <= 9; count++)
                Assert.Equal(whole.AsSpan(start, count).ToArray(), Fill(start, count, normal));
        }

        Assert.Equal(whole.AsSpan(50).ToArray(), Fill(50, Length - 50, normal));
    }

    [Fact]
    public void FillNormal_ManyElements_HasTheAskedMomentsWithinFiveStandardErrors()
    {
        const int n = 200_000;
        const double mean = 0.5, deviation = 2;
        var values = new PinnedFloats(n);
        CounterRandom.FillNormal(values.Pointer, 0, n, mean, deviation, 1, CounterRandom.StreamOf("w"));
        double sum = 0, squares = 0;
        for (var i = 0; i < n; i++)
        {
            sum += values[i];
            squares += Math.Pow(values[i] - mean, 2);
        }

        // The standard errors of a mean and of a variance of n normal deviates.
        Assert.InRange(sum / n, mean - (5 * deviation / Math.Sqrt(n)), mean + (5 * deviation / Math.Sqrt(n)));
        var varianceError = 5 * deviation * deviation * Math.Sqrt(2.0 / n);
        Assert.InRange(squares / n, (deviation * deviation) - varianceError, (deviation * deviation) + varianceError);
    }

    [Fact]
    public void FillUniform_ManyElements_StaysInTheIntervalAndFillsItEvenly()
    {
        const int n = 100_000;
        var values = new PinnedFloats(n);
        CounterRandom.FillUniform(values.Pointer, 0, n, -3, 5, 1, CounterRandom.StreamOf("w"));
        var quarter = new int[4];
        for (var i = 0; i < n; i++)
        {
            Assert.InRange(values[i], -3f, MathF.BitDecrement(5));
            quarter[(int)((values[i] + 3) / 2)]++;
        }

        // Five standard deviations of a binomial count with p = 1/4.
        var tolerance = 5 * Math.Sqrt(n * 0.25 * 0.75);
        Assert.All(quarter, count => Assert.InRange(count, (n / 4) - tolerance, (n / 4) + tolerance));
    }

    [Fact]
    public void StreamOf_PublishedVectors_IsFnv1a()
    {
        Assert.Equal(0xcbf29ce484222325ul, CounterRandom.StreamOf(""));
        Assert.Equal(0xaf63dc4c8601ec8cul, CounterRandom.StreamOf("a"));
        Assert.Equal(0x85944171f73967e8ul, CounterRandom.StreamOf("foobar"));
    }

    [Fact]
    public void Fill_OtherSeedOrName_GivesOtherValues()
    {
        var a = Fill(0, Length, true);
        Assert.NotEqual(a, Fill(0, Length, true, seed: 2));
        Assert.NotEqual(a, Fill(0, Length, true, name: "h.0.attn.c_attn.bias"));
    }

    [Fact]
    public void FillUniform_EmptyInterval_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CounterRandom.FillUniform(null, 0, 0, 1, 1, 0, 0));

    private static float[] Fill(long start, int count, bool normal, long seed = 1, string name = "h.0.attn.c_attn.weight")
    {
        var values = new PinnedFloats(count);
        if (normal)
            CounterRandom.FillNormal(values.Pointer, start, count, 0, 0.02, seed, CounterRandom.StreamOf(name));
        else
            CounterRandom.FillUniform(values.Pointer, start, count, -1, 1, seed, CounterRandom.StreamOf(name));
        return values.ToArray();
    }
}
