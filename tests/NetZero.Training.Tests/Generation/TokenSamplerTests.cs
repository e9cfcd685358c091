namespace NetZero.Training.Tests;

public class TokenSamplerTests
{
    private static readonly float[] Logits = [0, MathF.Log(2), MathF.Log(3), MathF.Log(4), float.NegativeInfinity];

    private static int[] Counts(SamplingOptions options, int draws)
    {
        var sampler = new TokenSampler(options, Logits.Length);
        var counts = new int[Logits.Length];
        for (var i = 0; i < draws; i++)
            counts[sampler.Next(Logits, i)]++;
        return counts;
    }

    /// <summary>Each count is within five standard deviations, sqrt(n p (1 - p)), of n p; the seed is fixed.</summary>
    private static void AssertShares(int[] counts, params double[] shares)
    {
        var draws = counts.Sum();
        for (var i = 0; i < counts.Length; i++)
        {
            var slack = 5 * Math.Sqrt(draws * shares[i] * (1 - shares[i]));
            Assert.InRange(counts[i], draws * shares[i] - slack, draws * shares[i] + slack);
        }
    }

    [Fact]
    public void Temperature1_DrawsFromTheSoftmax() => AssertShares(Counts(new SamplingOptions(Seed: 1), 20_000), 0.1, 0.2, 0.3, 0.4, 0);

    [Fact]
    public void Temperature_SharpensTheDistribution() =>
        // At temperature 1/2 probabilities go with the square: 1, 4, 9, 16 of 30.
        AssertShares(Counts(new SamplingOptions(Temperature: 0.5, Seed: 1), 20_000), 1 / 30.0, 4 / 30.0, 9 / 30.0, 16 / 30.0, 0);

    [Fact]
    public void TopK_LeavesOutTheRest() => AssertShares(Counts(new SamplingOptions(TopK: 2, Seed: 1), 20_000), 0, 0, 3 / 7.0, 4 / 7.0, 0);

    [Fact]
    public void Temperature0_TakesTheLikeliest() => Assert.Equal([0, 0, 0, 100, 0], Counts(new SamplingOptions(Temperature: 0), 100));

    [Fact]
    public void TopK1_TakesTheLikeliest_TheFirstOfEquals()
    {
        var sampler = new TokenSampler(new SamplingOptions(TopK: 1), 4);

        Assert.All(Enumerable.Range(0, 50), i => Assert.Equal(1, sampler.Next([0, 1, 1, 0.5f], i)));
    }

    [Fact]
    public void Draws_DependOnSeedAndPositionAlone()
    {
        int[] Draw(long seed, int from) =>
            [.. Enumerable.Range(from, 100).Select(i => new TokenSampler(new SamplingOptions(Seed: seed), Logits.Length).Next(Logits, i))];

        Assert.Equal(Draw(1, 0), Draw(1, 0));
        Assert.NotEqual(Draw(1, 0), Draw(2, 0));
        Assert.NotEqual(Draw(1, 0), Draw(1, 1));
    }

    [Theory]
    [InlineData(-1.0, 0, "temperature is -1; expected a number, at least 0")]
    [InlineData(double.NaN, 0, "temperature is NaN; expected a number, at least 0")]
    [InlineData(1.0, -1, "top-k is -1; expected a whole number, at least 0 (0 is all tokens)")]
    public void BadOption_IsNamed(double temperature, int topK, string message) =>
        Assert.Equal(message, Assert.Throws<ConfigurationException>(() => new TokenSampler(new SamplingOptions(temperature, topK), 4)).Message);

    [Fact]
    public void LogitsWithoutANumber_AreRefused()
    {
        var sampler = new TokenSampler(new SamplingOptions(), 2);

        Assert.Throws<DivergedModelException>(() => sampler.Next([float.NaN, float.NaN], 0));
        Assert.Throws<DivergedModelException>(() => sampler.Next([float.NaN, float.PositiveInfinity], 0));
        Assert.Throws<ArgumentException>(() => sampler.Next([1, 2, 3], 0));
    }
}
