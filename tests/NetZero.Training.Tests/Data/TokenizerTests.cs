namespace NetZero.Training.Tests;

public sealed class TokenizerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("ü → 漢字 🙂")]
    public void Text_ComesBack(string text)
    {
        var tokenizer = new ByteTokenizer();

        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void EveryByte_IsItsOwnToken()
    {
        var path = _folder.Write("all", [.. Enumerable.Range(0, 256).Select(i => (byte)i)]);
        using var text = MappedText.Open([new TextFile(path, 256)]);
        var tokens = new ByteTokenizer().Tokenize(text);
        var read = new int[256];
        tokens.Read(0, read);

        Assert.Equal(Enumerable.Range(0, 256), read);
    }

    [Fact]
    public void LongReads_CrossTheirPieces()
    {
        const int length = 10_000;
        var path = _folder.Write("long", [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 % 251))]);
        using var text = MappedText.Open([new TextFile(path, length)]);
        var read = new int[length - 1];
        new ByteTokenizer().Tokenize(text).Read(1, read);

        Assert.Equal(Enumerable.Range(1, length - 1).Select(i => i * 7 % 251), read);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    public void TokenOutsideTheVocabulary_IsRefused(int token) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteTokenizer().Decode([token]));

    [Fact]
    public void Tokenizer_TravelsWithTheModel()
    {
        new ByteTokenizer().Save(_folder.FullPath);

        // A vocabulary padded beyond 256 is still byte-level when the saved tokenizer says so.
        Assert.IsType<ByteTokenizer>(Tokenizers.Load(_folder.FullPath, 300));
    }

    [Fact]
    public void FolderWithoutTokenizer_IsByteLevelOnlyWithItsVocabulary()
    {
        Assert.IsType<ByteTokenizer>(Tokenizers.Load(_folder.FullPath, 256));
        var error = Assert.Throws<ConfigurationException>(() => Tokenizers.Load(_folder.FullPath, 50257));
        Assert.StartsWith($"'{_folder.FullPath}' has no netzero_tokenizer.json, and a vocabulary of 50257 is not byte-level (256)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"version": 2, "type": "bytes"}""")]
    [InlineData("""{"version": 1, "type": "words"}""")]
    [InlineData("""{"version": "1", "type": "bytes"}""")]
    public void DamagedTokenizer_IsOneLine(string json)
    {
        _folder.Write(Tokenizers.FileName, json);

        Assert.DoesNotContain('\n', Assert.Throws<ConfigurationException>(() => Tokenizers.Load(_folder.FullPath, 256)).Message);
    }

    [Fact]
    public void UnigramEntropy_IsThatOfTheCounts()
    {
        // Half a, a quarter each b and c: H = (1/2) ln 2 + (1/2) ln 4 = 1.5 ln 2. A few roundings of doubles near 1 are below 1e-15.
        var path = _folder.Write("text", string.Concat(Enumerable.Repeat("aabc", 10_000)));
        using var text = MappedText.Open([new TextFile(path, 40_000)]);

        Assert.Equal(1.5 * Math.Log(2), TokenStatistics.UnigramEntropy(new ByteTokenizer().Tokenize(text), 256), 1e-15);
    }
}
