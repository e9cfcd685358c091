using NetZero.Checkpoints;
using NetZero.Nn;

namespace NetZero.Cli.Tests;

/// <summary><c>netzero adapter merge</c> on folders, and what it refuses.</summary>
public sealed class AdapterCommandTests : IDisposable
{
    private static readonly Gpt2Config Tiny = new() { LayerCount = 1, HeadCount = 1, EmbeddingSize = 8, PositionCount = 8, VocabularySize = 256 };

    private readonly TemporaryFolder _folder = new();
    private readonly StringTerminal _terminal = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Merge_AddsTheAdapterToItsLayers_AndLeavesTheOthers()
    {
        WriteBase("base", Tiny);
        WriteAdapter("adapter", Tiny);

        Assert.Equal(0, await RunAsync("--model", _folder.At("base"), "--adapter", _folder.At("adapter"), "--output", _folder.At("merged")));

        using var before = HuggingFaceFolder.Open(_folder.At("base"));
        using var after = HuggingFaceFolder.Open(_folder.At("merged"));
        foreach (var tensor in before.Tensors)
        {
            var (a, b) = (Values(before, tensor), Values(after, tensor));
            if (tensor.Name != "h.0.attn.c_attn.weight")
                Assert.Equal(a, b);

            // s B A with s = 8 / 2 and all elements 0.5 and 0.25: 4 x 2 x 0.125.
            else
                Assert.Equal(a.Select(v => v + 1), b);
        }
    }

    [Fact]
    public async Task Merge_OfWhatDoesNotFit_IsOneLineAndCode2_AndWritesNothing()
    {
        WriteBase("base", Tiny);
        WriteAdapter("other", Tiny with { EmbeddingSize = 16 });
        await RefusedAsync("is an adapter of another model: 2 tensors of another shape: 'h.0.attn.c_attn.lora_A.weight' has shape [2, 16], expected [2, 8]", _folder.At("other"), "out");
        await RefusedAsync("there is no such folder", _folder.At("none"), "out");
        await RefusedAsync("has no adapter_config.json, so it is no adapter's folder", _folder.At("base"), "out");
        await RefusedAsync("holds a model already; choose another folder", _folder.At("other"), "base");
        await RefusedAsync("--adapter is empty; name a folder", "", "out");
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    private async Task RefusedAsync(string problem, string adapter, string output)
    {
        var before = _terminal.Errors.Length;
        Assert.Equal(2, await RunAsync("--model", _folder.At("base"), "--adapter", adapter, "--output", _folder.At(output)));
        var line = _terminal.Errors[before..];
        Assert.Contains(problem, line, StringComparison.Ordinal);
        Assert.Single(line.TrimEnd().Split('\n'));
    }

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines).RunAsync(["adapter", "merge", .. arguments]);

    private static float[] Values(HuggingFaceFolder folder, TensorSpec tensor)
    {
        var values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
        folder.Read(tensor.Name, 0, values);
        return values;
    }

    private void WriteBase(string name, Gpt2Config shape)
    {
        var specs = Gpt2Files.Specs(new Gpt2(shape));
        using var writer = HuggingFaceFolderWriter.Create(_folder.At(name), shape.ToHuggingFace(), specs);
        foreach (var spec in specs)
            writer.Write(spec.Name, 0, [.. Enumerable.Range(0, (int)spec.Shape.Aggregate(1L, (product, size) => product * size)).Select(i => (float)(i % 16))]);
        writer.Commit();
    }

    private void WriteAdapter(string name, Gpt2Config shape)
    {
        var (model, options) = (new Gpt2(shape), new LoraOptions { Rank = 2, Alpha = 8, TargetModules = ["c_attn"] });
        Lora.Apply(model, options);
        using var writer = AdapterFolderWriter.Create(_folder.At(name), model, options, "base");
        foreach (var (parameter, value) in Lora.Parameters(model))
            writer.Write(parameter, 0, [.. Enumerable.Repeat(parameter.Contains("lora_A", StringComparison.Ordinal) ? 0.5f : 0.25f, (int)value.Shape.Elements)]);
        writer.Commit();
    }
}
