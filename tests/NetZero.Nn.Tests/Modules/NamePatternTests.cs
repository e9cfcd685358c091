namespace NetZero.Nn.Tests.Modules;

/// <summary>Patterns of dotted names, as units and parameters are named in a configuration.</summary>
public class NamePatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("h.*", "h.3", true)]
    [InlineData("h.*", "h.3.attn", false)]
    [InlineData("h.**", "h.3.attn", true)]
    [InlineData("h.*.attn.**", "h.11.attn.c_attn.weight", true)]
    [InlineData("h.*.attn", "h.11.attn.c_attn.weight", false)]
    [InlineData("h.?.**", "h.1.ln_1.bias", true)]
    [InlineData("h.?.**", "h.11.ln_1.bias", false)]
    [InlineData("a?b", "a.b", false)]
    [InlineData("**.bias", "h.bias.bias", true)]
    [InlineData("**.bias", "bias", false)]
    [InlineData("*b*b", "bab", true)]
    [InlineData("*b*b", "ab", false)]
    [InlineData("wte", "WTE", false)]
    [InlineData("a**", "a", true)]
    public void APattern_FitsWholeNames(string pattern, string name, bool fits) => Assert.Equal(fits, NamePattern.Matches(pattern, name));

    [Fact]
    public void ASample_SaysHowManyMoreThereAre()
    {
        Assert.Equal("'a', 'b'", NamePattern.Sample(["a", "b"]));
        Assert.Equal("'a', 'b', 'c', 'd', 'e', 'f' and 2 more", NamePattern.Sample(["a", "b", "c", "d", "e", "f", "g", "h"]));
    }
}
