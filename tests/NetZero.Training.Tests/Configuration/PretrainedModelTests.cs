namespace NetZero.Training.Tests;

public sealed class PretrainedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private RunConfiguration Read(string json, params string[] overrides)
    {
        _folder.Write("config.json", json);
        return RunConfiguration.Parse(
            """{ "data": { "train": "x" }, "train_batch_size": 1, "steps": 1 }""", [$"init_from={_folder.FullPath}", .. overrides]);
    }

    private const string Gpt2Tiny = """
        {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 32, "vocab_size": 300, "layer_norm_epsilon": 1e-6,
         "resid_pdrop": 0.1, "unknown": 1}
        """;

    [Fact]
    public void KeysThatAreNotGiven_ComeFromTheFolder()
    {
        var c = Read(Gpt2Tiny, "model.dropout=0.2");

        Assert.Equal(
            new ModelConfiguration
            {
                Layers = 2,
                Heads = 4,
                Embedding = 64,
                Positions = 32,
                VocabularySize = 300,
                LayerNormEpsilon = 1e-6,
                Dropout = 0.2,
            },
            c.Model);
        Assert.Equal(32, c.Data.SequenceLength);
    }

    [Fact]
    public void Dropout_IsOffUnlessAskedFor() => Assert.Equal(0, Read(Gpt2Tiny).Model.Dropout);

    [Fact]
    public void SequenceLongerThanTheFoldersPositions_IsRefused()
    {
        var error = Assert.Throws<ConfigurationException>(() => Read(Gpt2Tiny, "data.seq_len=33"));

        Assert.Equal("the configuration: 'data.seq_len' is 33, longer than 'model.n_positions' 32; lower the first or raise the second", error.Message);
    }

    [Theory]
    [InlineData("model.n_head=8", "'model.n_head' is 8, but 'init_from' says 4")]
    [InlineData("model.layer_norm_epsilon=1e-5", "'model.layer_norm_epsilon' is 1E-05, but 'init_from' says 1E-06")]
    public void KeyThatNoTensorsShapeWouldBetray_MustAgreeWithTheFolder(string setting, string problem)
    {
        var error = Assert.Throws<ConfigurationException>(() => Read(Gpt2Tiny, setting));

        Assert.Equal($"the configuration: {problem}; leave it out", error.Message);
    }

    [Fact]
    public void MissingFolder_NamesPathGivenAndResolved()
    {
        var error = Assert.Throws<ConfigurationException>(() => Configurations.Parse("init_from=no/such"));

        Assert.Equal($"'init_from': no/such: there is no such folder (looked in {Path.GetFullPath("no/such")})", error.Message);
    }

    [Fact]
    public void FolderOfAnotherModel_IsRefused()
    {
        var error = Assert.Throws<ConfigurationException>(() => Read("""{"model_type": "llama"}"""));

        Assert.Contains("model_type is 'llama', expected gpt2", error.Message, StringComparison.Ordinal);
    }
}
