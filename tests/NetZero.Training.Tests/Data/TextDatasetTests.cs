namespace NetZero.Training.Tests;

public sealed class TextDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public TextDatasetTests() => _path = _folder.At("text.txt");

    public void Dispose() => _folder.Dispose();

    private TextDataset Open(int bytes, params string[] overrides)
    {
        File.WriteAllBytes(_path, [.. Enumerable.Range(0, bytes).Select(i => (byte)i)]);
        return TextDataset.OpenTraining(Configurations.Parse([$"data.train={_path}", .. overrides]), new ByteTokenizer());
    }

    [Theory]
    [InlineData(65, 1)]
    [InlineData(128, 1)]
    [InlineData(129, 2)]
    public void SampleCount_LeavesRoomForTheLastTarget(int bytes, long samples)
    {
        using var dataset = Open(bytes);

        Assert.Equal(samples, dataset.SampleCount);
    }

    [Fact]
    public void EmptyText_IsRefused() =>
        Assert.Equal(
            $"'data.train': the text of '{_path}' is empty",
            Assert.Throws<ConfigurationException>(() => Open(0)).Message);

    [Fact]
    public void TextShorterThanASample_IsRefused() =>
        Assert.Equal(
            $"'data.train': the text of '{_path}' has 64 tokens, but one sample takes 65 (data.seq_len 64 and one more as the last target)",
            Assert.Throws<ConfigurationException>(() => Open(64)).Message);

    [Fact]
    public void MoreRanksThanSamples_IsRefused() =>
        Assert.Equal(
            $"'data.train': the text of '{_path}' has 3 samples of 64 tokens, fewer than the 4 ranks; "
            + "use fewer ranks, a shorter data.seq_len or more text",
            Assert.Throws<ConfigurationException>(() => Open(200, "ranks=4")).Message);

    [Fact]
    public void FolderOfBinaries_SaysWhatItPassedOver()
    {
        _folder.Write("d/a.png", [1, 0]);
        _folder.Write("d/b.png", [1, 0]);
        var path = _folder.At("d");

        var error = Assert.Throws<ConfigurationException>(
            () => TextDataset.OpenTraining(Configurations.Parse($"data.train={path}"), new ByteTokenizer()));

        Assert.Equal($"'data.train': the text of '{path}' is empty (passed over: 2 binary)", error.Message);
    }

    [Fact]
    public void Validation_IsItsOwnText()
    {
        var validation = _folder.Write("validation.txt", new string('x', 200));
        var c = Configurations.Parse($"data.validation={validation}", "eval_every=5");

        using var dataset = TextDataset.OpenValidation(c, new ByteTokenizer());

        Assert.Equal(3, dataset!.SampleCount);
        Assert.Null(TextDataset.OpenValidation(Configurations.Parse(), new ByteTokenizer()));
    }
}
