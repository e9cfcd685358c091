using NetZero.Testing;

namespace NetZero.Checkpoints.Tests;

public sealed class HuggingFaceFolderWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Commit_TheFixtureCopiedByRanks_LoadsWithTheSameWeights(int ranks)
    {
        using var source = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        Copy(source, source.Tensors, _folder.Path, ranks);
        using var copy = HuggingFaceFolder.Open(_folder.Path);
        Assert.Equal(source.Config, copy.Config);
        copy.Match(source.Tensors);
        foreach (var tensor in source.Tensors)
            Assert.Equal(ReadAll(source, tensor), ReadAll(copy, tensor));
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNoFolderOfItsOwn()
    {
        HuggingFaceFolderWriter.Create(_folder["new"], new HuggingFaceGpt2Config(), [new("wte.weight", [1])]).Dispose();
        Assert.False(Directory.Exists(_folder["new"]));

        Directory.CreateDirectory(_folder["old"]);
        HuggingFaceFolderWriter.Create(_folder["old"], new HuggingFaceGpt2Config(), [new("wte.weight", [1])]).Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["old"]));
    }

    [Fact]
    public void Commit_AnyOrderAndAnyRanks_GivesTheSameBytes()
    {
        using var source = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        Copy(source, source.Tensors, _folder["one"], ranks: 1);
        Copy(source, [.. source.Tensors.Reverse()], _folder["two"], ranks: 5);
        Assert.Equal(File.ReadAllBytes(_folder["one/model.safetensors"]), File.ReadAllBytes(_folder["two/model.safetensors"]));
        Assert.Equal(File.ReadAllBytes(_folder["one/config.json"]), File.ReadAllBytes(_folder["two/config.json"]));
    }

    [Fact]
    public void Commit_AHeadOfItsOwn_WritesThePrefixAsHuggingFaceDoes()
    {
        var config = new HuggingFaceGpt2Config { TieWordEmbeddings = false };
        using (var writer = HuggingFaceFolderWriter.Create(_folder.Path, config, [new("wte.weight", [1]), new("lm_head.weight", [1])]))
        {
            writer.Write("wte.weight", 0, [1]);
            writer.Write("lm_head.weight", 0, [2]);
            writer.Commit();
        }
        using (var file = SafetensorsFile.Open(_folder["model.safetensors"]))
            Assert.Equal(["lm_head.weight", "transformer.wte.weight"], file.Tensors.Select(tensor => tensor.Name));
        using var folder = HuggingFaceFolder.Open(_folder.Path);
        Assert.Equal([2f], ReadAll(folder, new("lm_head.weight", [1])));
    }

    [Fact]
    public void Create_ConfigurationAndTensorsThatDisagreeOnTheHead_AreRefused()
    {
        var tied = new HuggingFaceGpt2Config();
        Assert.Throws<ArgumentException>(() => HuggingFaceFolderWriter.Create(_folder["x"], tied, [new("lm_head.weight", [1])]));
        Assert.Throws<ArgumentException>(
            () => HuggingFaceFolderWriter.Create(_folder["x"], tied with { TieWordEmbeddings = false }, [new("wte.weight", [1])]));
        Assert.False(Directory.Exists(_folder["x"]));
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNoWeights()
    {
        using (var writer = HuggingFaceFolderWriter.Create(_folder.Path, new HuggingFaceGpt2Config(), [new("wte.weight", [2])]))
            writer.Write("wte.weight", 0, [1]);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static void Copy(HuggingFaceFolder source, IReadOnlyList<TensorSpec> tensors, string path, int ranks)
    {
        using var writer = HuggingFaceFolderWriter.Create(path, source.Config, tensors);
        for (var rank = ranks - 1; rank >= 0; rank--)
        {
            foreach (var tensor in tensors)
            {
                var count = tensor.Shape.Aggregate(1L, (a, b) => a * b);
                var (start, end) = (count * rank / ranks, count * (rank + 1) / ranks);
                var part = new float[end - start];
                source.Read(tensor.Name, start, part);
                writer.Write(tensor.Name, start, part);
            }
        }
        writer.Commit();
    }

    private static float[] ReadAll(HuggingFaceFolder folder, TensorSpec tensor)
    {
        var values = new float[tensor.Shape.Aggregate(1L, (a, b) => a * b)];
        folder.Read(tensor.Name, 0, values);
        return values;
    }
}
