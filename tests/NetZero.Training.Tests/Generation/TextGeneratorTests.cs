namespace NetZero.Training.Tests;

public class TextGeneratorTests
{
    /// <summary>Expects the next letter of the alphabet with certainty, and notes what it was asked.</summary>
    private static NextLogits Alphabet(List<int[]> contexts) => (context, logits) =>
    {
        contexts.Add(context.ToArray());
        logits.Clear();
        logits[context[^1] + 1] = 1000;
    };

    [Fact]
    public void Tokens_FollowOneAnother()
    {
        var generator = new TextGenerator(new ByteTokenizer(), 256, positions: 8, Alphabet([]));

        Assert.Equal("cdefg", generator.Continue("ab", 5, new SamplingOptions(Seed: 3)));
    }

    [Fact]
    public void LongText_IsReadFromItsEnd()
    {
        var contexts = new List<int[]>();
        new TextGenerator(new ByteTokenizer(), 256, positions: 3, Alphabet(contexts)).Continue("ab", 3, new SamplingOptions(Temperature: 0));

        Assert.Equal(["ab", "abc", "bcd"], contexts.Select(context => new ByteTokenizer().Decode(context)));
    }

    [Fact]
    public void EmptyPrompt_StartsALine()
    {
        var contexts = new List<int[]>();
        var text = new TextGenerator(new ByteTokenizer(), 256, positions: 3, Alphabet(contexts)).Continue("", 1, new SamplingOptions(Temperature: 0));

        Assert.Equal(("\v", "\n"), (text, new ByteTokenizer().Decode(contexts[0])));
    }

    [Fact]
    public void RowsBeyondTheTokenizersTokens_AreNeverDrawn()
    {
        var generator = new TextGenerator(new ByteTokenizer(), 300, positions: 3, (_, logits) =>
        {
            logits.Clear();
            logits[299] = 1000;
            logits['x'] = 500;
        });

        Assert.Equal("xx", generator.Continue("a", 2, new SamplingOptions()));
    }

    [Fact]
    public void NoTokens_IsAMistake() =>
        Assert.Equal(
            "tokens is 0; expected a whole number, at least 1",
            Assert.Throws<ConfigurationException>(
                () => new TextGenerator(new ByteTokenizer(), 256, 3, Alphabet([])).Continue("a", 0, new SamplingOptions())).Message);

    [Fact]
    public void Cancellation_EndsTheWriting() =>
        Assert.Throws<OperationCanceledException>(
            () => new TextGenerator(new ByteTokenizer(), 256, 3, Alphabet([])).Continue("a", 5, new SamplingOptions(), new CancellationToken(true)));
}
