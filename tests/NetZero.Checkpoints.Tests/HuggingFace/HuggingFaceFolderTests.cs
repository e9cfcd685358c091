using System.Text.Json.Nodes;
using NetZero.Testing;

namespace NetZero.Checkpoints.Tests;

public sealed class HuggingFaceFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_TheFixture_HoldsATinyGpt2()
    {
        using var folder = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        folder.Match(TinyGpt2.Specs(layers: 2, hidden: 64, vocabulary: 256, positions: 64));
        Assert.Equal(folder.Tensors.Select(tensor => tensor.Name), Fixtures.Gpt2Tiny.Expected.FinalSums.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(0, folder.BytesRead);

        // ln_f.weight was drawn around 1 with deviation 0.05: 64 of them average within 6 standard errors of it.
        var weight = new float[64];
        folder.Read("ln_f.weight", 0, weight);
        Assert.InRange(weight.Average(), 1 - 6 * 0.05 / 8, 1 + 6 * 0.05 / 8);
        Assert.Equal(256, folder.BytesRead);
    }

    [Fact]
    public void Digest_ChangesWithEachTensorAndTheConfiguration_AndWithNothingElse()
    {
        var (config, weights) = (File.ReadAllBytes(At(Fixtures.Gpt2Tiny.Folder, "config.json")), File.ReadAllBytes(At(Fixtures.Gpt2Tiny.Folder, "model.safetensors")));
        var original = DigestOf(config, weights);
        Assert.Equal(original, DigestOf(config, weights));
        Assert.NotEqual(original, DigestOf([.. config, (byte)'\n'], weights));
        SafetensorsTensor[] tensors;
        using (var file = SafetensorsFile.Open(At(Fixtures.Gpt2Tiny.Folder, "model.safetensors")))
            tensors = [.. file.Tensors];
        foreach (var tensor in tensors)
        {
            var changed = weights.ToArray();
            changed[tensor.OffsetBytes + tensor.LengthBytes - 1] ^= 0x80;
            Assert.True(original != DigestOf(config, changed), tensor.Name);
        }

        string DigestOf(byte[] configuration, byte[] elements)
        {
            File.WriteAllBytes(At(_folder.Path, "config.json"), configuration);
            File.WriteAllBytes(At(_folder.Path, "model.safetensors"), elements);
            using var folder = HuggingFaceFolder.Open(_folder.Path);
            return folder.Digest();
        }

        static string At(string folder, string name) => Path.Combine(folder, name);
    }

    [Fact]
    public void Read_TheRangesOfManyRanks_ReadsEachByteOnce()
    {
        using var folder = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        const int ranks = 3;
        foreach (var tensor in folder.Tensors)
        {
            var count = tensor.Shape.Aggregate(1L, (a, b) => a * b);
            var whole = new float[count];
            using (var file = SafetensorsFile.Open(Path.Combine(folder.Path, "model.safetensors")))
                file.Read(tensor.Name, 0, whole);
            var parts = new float[count];
            for (var rank = 0; rank < ranks; rank++)
            {
                var (start, end) = (count * rank / ranks, count * (rank + 1) / ranks);
                folder.Read(tensor.Name, start, parts.AsSpan((int)start, (int)(end - start)));
            }
            Assert.Equal(whole, parts);
        }
        Assert.Equal(folder.Tensors.Sum(tensor => 4 * tensor.Shape.Aggregate(1L, (a, b) => a * b)), folder.BytesRead);
    }

    [Theory]
    [InlineData("")]
    [InlineData("transformer.")]
    public void Open_AFolderAsFoundInTheWild_OffersTheModelsTensorsOnly(string prefix)
    {
        WriteConfig("""{"vocab_size": 6, "n_embd": 4, "n_head": 1, "n_layer": 1}""");
        Write(
            "model.safetensors",
            new(prefix + "wte.weight", SafetensorsDType.F16, [6, 4]),
            new("lm_head.weight", SafetensorsDType.F16, [6, 4]),
            new(prefix + "h.0.ln_1.weight", SafetensorsDType.BF16, [4]),
            new(prefix + "h.0.attn.bias", SafetensorsDType.Bool, [1, 1, 3, 3]),
            new(prefix + "h.11.attn.bias", SafetensorsDType.U8, [1, 1, 3, 3]),
            new(prefix + "h.0.attn.masked_bias", SafetensorsDType.F32, []),
            new(prefix + "h.0.attn.c_attn.bias", SafetensorsDType.F32, [12]));
        using var folder = HuggingFaceFolder.Open(_folder.Path);
        folder.Match([new("wte.weight", [6, 4]), new("h.0.ln_1.weight", [4]), new("h.0.attn.c_attn.bias", [12])]);
        Assert.Equal(["h.0.attn.c_attn.bias", "h.0.ln_1.weight", "wte.weight"], folder.Tensors.Select(tensor => tensor.Name));
        folder.Read("wte.weight", 5, new float[2]);
        Assert.Equal(4, folder.BytesRead);
    }

    [Fact]
    public void Open_OnlyATiedHead_UsesItAsTheEmbedding()
    {
        WriteConfig("""{"vocab_size": 2, "n_embd": 3, "n_head": 1}""");
        Write("model.safetensors", new SafetensorsSpec("lm_head.weight", SafetensorsDType.F32, [2, 3]));
        using var folder = HuggingFaceFolder.Open(_folder.Path);
        folder.Match([new("wte.weight", [2, 3])]);
        folder.Read("wte.weight", 0, new float[6]);
    }

    [Fact]
    public void Open_ATiedHeadOfAnotherShape_IsAnError()
    {
        WriteConfig("{}");
        Write(
            "model.safetensors",
            new("wte.weight", SafetensorsDType.F32, [2, 3]),
            new("lm_head.weight", SafetensorsDType.F32, [3, 3]));
        Fails("tensor 'lm_head.weight' has shape [3, 3], expected [2, 3] as wte.weight");
    }

    [Fact]
    public void Open_AHeadOfItsOwn_IsATensorOfTheModel()
    {
        WriteConfig("""{"tie_word_embeddings": false, "vocab_size": 2, "n_embd": 3, "n_head": 1}""");
        Write(
            "model.safetensors",
            new("transformer.wte.weight", SafetensorsDType.F32, [2, 3]),
            new("lm_head.weight", SafetensorsDType.F32, [2, 3]));
        using var folder = HuggingFaceFolder.Open(_folder.Path);
        folder.Match([new("wte.weight", [2, 3]), new("lm_head.weight", [2, 3])]);
    }

    [Theory]
    [InlineData("vocab_size", 257, "vocab_size 257, but 'wte.weight' has shape [256, 64]")]
    [InlineData("n_positions", 32, "n_positions 32, but 'wpe.weight' has shape [64, 64]")]
    [InlineData("n_embd", 60, "n_embd 60, but 'wte.weight' has shape [256, 64]")]
    [InlineData("n_layer", 3, "n_layer 3, but the tensors are of 2 blocks")]
    public void Open_AConfigurationThatItsTensorsContradict_NamesBoth(string key, int value, string problem)
    {
        File.Copy(Path.Combine(Fixtures.Gpt2Tiny.Folder, "model.safetensors"), _folder["model.safetensors"]);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.Gpt2Tiny.Folder, "config.json")))!;
        config[key] = value;
        WriteConfig(config.ToJsonString());
        Fails($": config.json says {problem}; correct config.json, or take the weights that it belongs to");
    }

    [Fact]
    public void Match_AnotherModel_NamesTensorsFoundAndExpected()
    {
        using var folder = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        var specs = TinyGpt2.Specs(layers: 2, hidden: 64, vocabulary: 256, positions: 64);
        string Message(IReadOnlyList<TensorSpec> expected) => Assert.Throws<CheckpointFormatException>(() => folder.Match(expected)).Message;
        Assert.Contains(
            "1 tensor of another shape: 'wpe.weight' has shape [64, 64], expected [128, 64]",
            Message(TinyGpt2.Specs(layers: 2, hidden: 64, vocabulary: 256, positions: 128)));
        Assert.Contains("1 tensor missing: 'extra', expected with shape [7]", Message([.. specs, new("extra", [7])]));
        Assert.Contains("1 tensor unexpected: 'wte.weight', found with shape [256, 64]", Message([.. specs.Where(s => s.Name != "wte.weight")]));
        var larger = Message(TinyGpt2.Specs(layers: 3, hidden: 96, vocabulary: 256, positions: 64));
        Assert.Contains("28 tensors of another shape:", larger);
        Assert.Contains("and 24 more; 12 tensors missing: 'h.2.ln_1.weight', expected with shape [96]", larger);
        Assert.DoesNotContain('\n', larger);
    }

    [Fact]
    public void Open_SeveralFilesWithAnIndex_ReadsEachTensorFromItsFile()
    {
        WriteConfig("{}");
        Write("model-00001-of-00002.safetensors", new("transformer.a", SafetensorsDType.F32, [2]), new("transformer.b", SafetensorsDType.F32, [3]));
        Write("model-00002-of-00002.safetensors", new SafetensorsSpec("transformer.c", SafetensorsDType.F32, [4]));
        WriteIndex(
            ("transformer.a", "model-00001-of-00002.safetensors"),
            ("transformer.b", "model-00001-of-00002.safetensors"),
            ("transformer.c", "model-00002-of-00002.safetensors"));
        using var folder = HuggingFaceFolder.Open(_folder.Path);
        folder.Match([new("a", [2]), new("b", [3]), new("c", [4])]);
        folder.Read("c", 1, new float[3]);
        folder.Read("b", 0, new float[1]);
        Assert.Equal(16, folder.BytesRead);
    }

    [Fact]
    public void Open_AnIndexThatDoesNotHold_IsAnErrorThatNamesTheTensor()
    {
        WriteConfig("{}");
        Write("one.safetensors", new SafetensorsSpec("a", SafetensorsDType.F32, [2]));
        Write("two.safetensors", new SafetensorsSpec("a", SafetensorsDType.F32, [2]), new SafetensorsSpec("b", SafetensorsDType.F32, [2]));
        WriteIndex(("a", "one.safetensors"), ("b", "three.safetensors"));
        Fails("tensor 'b' is said to be in three.safetensors, which is missing");
        WriteIndex(("a", "one.safetensors"), ("c", "two.safetensors"));
        Fails("tensor 'c' is missing, model.safetensors.index.json says that it is here");
        WriteIndex(("a", "one.safetensors"), ("b", "two.safetensors"));
        Fails("tensor 'a' is a second 'a'; the first is in");
        foreach (var outside in new[] { "../one.safetensors", "/etc/passwd", "..", "sub\\one", "C:one", "" })
        {
            WriteIndex(("a", outside.Replace("\\", "\\\\")));
            Fails("expected the name of a file in this folder");
        }
        File.WriteAllText(_folder["model.safetensors.index.json"], """{"weight_map": {"a": 3}}""");
        Fails("tensor 'a' is mapped to '3'");
        File.WriteAllText(_folder["model.safetensors.index.json"], """{"metadata": {}}""");
        Fails("has no object weight_map");
        File.WriteAllText(_folder["model.safetensors.index.json"], """{"weight_map": {"a\ud800": "x"}}""");
        Fails("not valid Unicode");
    }

    [Fact]
    public void Open_WithoutSafetensors_SaysWhatIsThereAndWhatToDo()
    {
        WriteConfig("{}");
        Fails("has neither model.safetensors nor model.safetensors.index.json");
        File.WriteAllText(_folder["pytorch_model.bin"], "");
        Fails("save it again with save_pretrained(..., safe_serialization=True)");
    }

    [Fact]
    public void Open_ATensorThatCannotBeConverted_IsNamed()
    {
        WriteConfig("{}");
        Write("model.safetensors", new SafetensorsSpec("wte.weight", SafetensorsDType.I8, [2]));
        Fails("tensor 'wte.weight' has dtype I8, expected F32, BF16 or F16");
    }

    [Fact]
    public void Open_ADamagedFile_ClosesTheOthers()
    {
        WriteConfig("{}");
        Write("one.safetensors", new SafetensorsSpec("a", SafetensorsDType.F32, [2]));
        File.WriteAllText(_folder["two.safetensors"], "damaged");
        WriteIndex(("a", "one.safetensors"), ("b", "two.safetensors"));
        Fails("two.safetensors: not a safetensors file");
        using var free = File.Open(_folder["one.safetensors"], FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    private void Fails(string message)
    {
        var error = Assert.Throws<CheckpointFormatException>(() => HuggingFaceFolder.Open(_folder.Path));
        Assert.StartsWith(_folder.Path, error.Message);
        Assert.Contains(message, error.Message);
    }

    private void WriteConfig(string json) => File.WriteAllText(_folder["config.json"], json);

    private void WriteIndex(params (string Name, string File)[] entries) =>
        File.WriteAllText(
            _folder["model.safetensors.index.json"],
            "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {"
            + string.Join(",", entries.Select(entry => $"\"{entry.Name}\": \"{entry.File}\"")) + "}}");

    private void Write(string name, params SafetensorsSpec[] specs)
    {
        using var writer = SafetensorsWriter.Create(_folder[name], specs);
        foreach (var spec in specs)
            writer.WriteBytes(spec.Name, 0, new byte[spec.Shape.Aggregate(1L, (a, b) => a * b) * spec.DType.Bits() / 8]);
        writer.Commit();
    }
}
