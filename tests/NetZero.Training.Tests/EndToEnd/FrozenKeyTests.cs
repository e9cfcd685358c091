using NetZero.Checkpoints;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary><c>frozen</c> in a run: what it names keeps its values and costs neither gradients nor optimizer state.</summary>
public sealed class FrozenKeyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public FrozenKeyTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Frozen_KeepsItsValues_AndMemoryFollowsTheFormula(int stage)
    {
        string[] settings = [$"zero_optimization.stage={stage}", "frozen=[\"wte.*\", \"h.*.mlp.**\"]"];
        var start = new Run(_folder, "start");
        await start.TrainAsync(_text, [.. settings, "optimizer.params.lr=0"]);
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text, settings);

        using var before = SafetensorsFile.Open(Path.Combine(start.Folder, "model", "model.safetensors"));
        using var after = SafetensorsFile.Open(Path.Combine(run.Folder, "model", "model.safetensors"));
        foreach (var name in before.Tensors.Select(t => t.Name))
        {
            var frozen = name.Contains("wte.", StringComparison.Ordinal) || name.Contains(".mlp.", StringComparison.Ordinal);
            Assert.Equal(frozen, Values(before, name).SequenceEqual(Values(after, name)));
        }

        // Parameters, gradients and moments up to padding: below 1 KiB a unit, rank and state.
        var rank = run.Memory.GetProperty("ranks")[0];
        var steady = rank.GetProperty("steady_bytes");
        var found = ((string[])["parameter", "gradient", "optimizer"]).Sum(kind => steady.GetProperty(kind).GetInt64());
        Assert.InRange(found - rank.GetProperty("model_state_bytes_expected").GetInt64(), 0, 4 * 6 * 2 * 1024);
        var whole = new Run(_folder, "whole");
        await whole.TrainAsync(_text, $"zero_optimization.stage={stage}");
        foreach (var kind in (string[])["gradient", "optimizer"])
            Assert.True(steady.GetProperty(kind).GetInt64() < whole.Memory.GetProperty("ranks")[0].GetProperty("steady_bytes").GetProperty(kind).GetInt64());
    }

    private static float[] Values(SafetensorsFile file, string name)
    {
        var values = new float[file.Find(name).ElementCount];
        file.Read(name, 0, values);
        return values;
    }
}
