using System.Text.Json;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Every key of <c>zero_optimization</c> does in a run what it says: seen in the memory that the run reports, while the trained weights keep their bits.</summary>
public sealed class ZeroKeysTests : IDisposable
{
    private const int Ranks = 4;

    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public ZeroKeysTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(3, "prefetch.forward=3", "peak_bytes", "gathered", 1)]
    [InlineData(3, "prefetch={\"forward\": 0, \"backward\": 0}", "peak_bytes", "gathered", -1)]
    [InlineData(3, "prefetch.backward=2", "peak_bytes", "gathered", 1)]
    [InlineData(3, "reshard_after_forward=false", "peak_bytes", "gathered", 1)]
    [InlineData(3, "reshard_after_forward=2", "peak_bytes", "gathered", 1)]
    [InlineData(3, "keep_gathered=true", "peak_bytes", "gathered", 1)]
    [InlineData(3, "shard_group_size=2", "steady_bytes", "parameter", 1)]
    [InlineData(2, "shard_group_size=2", "steady_bytes", "optimizer", 1)]
    [InlineData(3, "units=h.0", "peak_bytes", "gathered", 1)]
    [InlineData(3, "units=[\"h.*.attn\", \"h.*.mlp\"]", "peak_bytes", "gathered", -1)]
    [InlineData(3, "min_num_params=1000000", "peak_bytes", "gathered", 1)]
    [InlineData(3, "ignored=**.bias", "steady_bytes", "parameter", 1)]
    [InlineData(3, "overrides={\"h.*\": {\"stage\": 1}}", "steady_bytes", "parameter", 1)]
    [InlineData(3, "overrides={\"h.1\": {\"reshard_after_forward\": false}}", "peak_bytes", "gathered", 1)]
    [InlineData(3, "stage=zero2", "steady_bytes", "parameter", 1)]
    [InlineData(2, "stage=fsdp", "steady_bytes", "parameter", -1)]
    [InlineData(0, "reduce_bucket_size=30000", "peak_bytes", "communication", 1)]
    [InlineData(1, "reduce_bucket_size=30000", "peak_bytes", "communication", 1)]
    [InlineData(2, "reduce_bucket_size=1000000", "peak_bytes", "communication", 1)]
    public async Task Key_ChangesMemoryAsItSays_AndNoBitOfTheModel(int stage, string setting, string when, string kind, int direction)
    {
        string[] settings = ["model.n_layer=4", $"ranks={Ranks}", "train_batch_size=24", "gradient_accumulation_steps=3", $"zero_optimization.stage={stage}"];
        var plain = new Run(_folder, "plain");
        await plain.TrainAsync(_text, settings);
        var changed = new Run(_folder, "changed");
        settings = [.. settings, $"zero_optimization.{setting}"];
        await changed.TrainAsync(_text, settings);

        Assert.Equal(plain.ModelBytes, changed.ModelBytes);
        Assert.Equal(plain.Losses, changed.Losses);
        Assert.Equal(direction, Math.Sign(Bytes(changed, when, kind).CompareTo(Bytes(plain, when, kind))));

        var path = _folder.At("planned.json");
        MemoryReport.Write(path, Enumerable.Range(0, Ranks).Select(rank => MemoryPlan.Predict(changed.Configure(_text, settings), rank)));
        Assert.Equal(File.ReadAllText(path), File.ReadAllText(Path.Combine(changed.Folder, "memory.json")));
        CheckExpectedStates(changed);
    }

    // Sums in another order have other bits, so this key stands apart; that stages agree under it is tested with the stages.
    [Fact]
    public async Task ReduceLast_HoldsWholeGradientsOfAllUnits()
    {
        string[] settings = ["model.n_layer=4", "gradient_accumulation_steps=3", "zero_optimization.stage=3"];
        var (each, last) = (new Run(_folder, "each"), new Run(_folder, "last"));
        await each.TrainAsync(_text, settings);
        await last.TrainAsync(_text, [.. settings, "zero_optimization.reduce=last"]);
        Assert.True(Bytes(last, "peak_bytes", "gradient") > Bytes(each, "peak_bytes", "gradient"));

        // Of two ranks each holds twice its slice: the whole.
        Assert.True(Bytes(last, "peak_bytes", "gradient") >= 2 * Bytes(last, "steady_bytes", "gradient"));
    }

    private static long Bytes(Run run, string when, string kind) => run.Memory.GetProperty("ranks")[0].GetProperty(when).GetProperty(kind).GetInt64();

    // The formula and the measurement differ by padding: below one alignment of 1 KiB a flat unit and rank, of which blocks have at most two, for each of the four states.
    private static void CheckExpectedStates(Run run)
    {
        const int units = 2 * 9;
        var found = ((string[])["parameter", "gradient", "optimizer"]).Sum(kind => Bytes(run, "steady_bytes", kind));
        Assert.InRange(found - run.Memory.GetProperty("ranks")[0].GetProperty("model_state_bytes_expected").GetInt64(), 0, 4 * units * Ranks * 1024);
    }

    [Fact]
    public async Task Configuration_IsWrittenWithEveryKey_AndReadBackToTheSame()
    {
        string[] settings =
        [
            "ranks=4", "gradient_accumulation_steps=3", "zero_optimization={\"stage\": 3, \"shard_group_size\": 2, \"reshard_after_forward\": false, \"prefetch\": {\"forward\": 2}, "
            + "\"units\": [\"h.*\"], \"min_num_params\": 3, \"ignored\": \"**.bias\", \"keep_gathered\": true, \"reduce\": \"last\", \"reduce_bucket_size\": 7, "
            + "\"overrides\": {\"h.0\": {\"stage\": 0}, \"root\": {\"reshard_after_forward\": true}}}",
        ];
        var configuration = new Run(_folder, "run").Configure(_text, settings);
        var written = configuration.ToJson();
        Assert.Equal(written, RunConfiguration.Parse(System.Text.Encoding.UTF8.GetString(written)).ToJson());
        using var json = JsonDocument.Parse(written);
        Assert.Equal(
            ["stage", "reduce", "keep_gathered", "reshard_after_forward", "prefetch", "reduce_bucket_size", "shard_group_size", "units", "min_num_params", "ignored", "overrides"],
            json.RootElement.GetProperty("zero_optimization").EnumerateObject().Select(p => p.Name));
        await new Run(_folder, "run").TrainAsync(_text, settings);
    }
}
