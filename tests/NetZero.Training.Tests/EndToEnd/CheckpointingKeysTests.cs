namespace NetZero.Training.Tests.EndToEnd;

/// <summary><c>activation_checkpointing</c> in a run: less activation memory, as planned, and no other bit; and the keys that clip gradients.</summary>
public sealed class CheckpointingKeysTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public CheckpointingKeysTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task EachMode_HoldsLess_AsPlanned_AndTrainsTheSameBits(int stage)
    {
        string[] settings = ["model.n_layer=4", "model.dropout=0.1", $"zero_optimization.stage={stage}", "gradient_accumulation_steps=2"];
        var none = await TrainAsync("none", settings);
        var full = await TrainAsync("full", [.. settings, "activation_checkpointing.mode=full"]);
        var second = await TrainAsync("second", [.. settings, "activation_checkpointing={\"mode\": \"full\", \"every\": 2}"]);
        var attention = await TrainAsync("attention", [.. settings, "activation_checkpointing={\"mode\": \"selective\", \"keep\": \"attention\"}"]);
        var selective = await TrainAsync("selective", [.. settings, "activation_checkpointing.mode=selective"]);
        foreach (var run in (Run[])[full, second, attention, selective])
        {
            Assert.Equal(none.Losses, run.Losses);
            Assert.Equal(none.ModelBytes, run.ModelBytes);
        }

        Assert.True(Activations(full) < Activations(attention));
        Assert.True(Activations(attention) < Activations(selective));
        Assert.True(Activations(selective) < Activations(none));
        Assert.True(Activations(full) < Activations(second) && Activations(second) < Activations(none));
    }

    [Fact]
    public async Task ClippingKeys_LimitWhatTheyName()
    {
        string[] settings = ["optimizer.type=SGD", "steps=1"];
        var free = await TrainAsync("free", settings);
        var byTwo = await TrainAsync("two", [.. settings, "gradient_clipping=1e-3"]);
        var byLargest = await TrainAsync("largest", [.. settings, "gradient_clipping=1e-3", "gradient_clipping_norm=inf"]);
        var bySum = await TrainAsync("sum", [.. settings, "gradient_clipping=1e-3", "gradient_clipping_norm=1"]);
        var byValue = await TrainAsync("value", [.. settings, "gradient_clipping_value=1e-3"]);

        // The norms of one vector: largest <= 2-norm <= sum; without a key the 2-norm is reported.
        Assert.Equal(Norm(free), Norm(byTwo));
        Assert.Equal(Norm(free), Norm(byValue));
        Assert.True(Norm(byLargest) < Norm(byTwo) && Norm(byTwo) < Norm(bySum));
        Assert.Equal(5, ((Run[])[free, byTwo, byLargest, bySum, byValue]).Select(run => Convert.ToHexString(run.ModelBytes)).Distinct().Count());
    }

    private static double Norm(Run run) => run.Metrics[0].GetProperty("grad_norm").GetDouble();

    private static long Activations(Run run) => run.Memory.GetProperty("ranks")[0].GetProperty("peak_bytes").GetProperty("activation").GetInt64();

    private async Task<Run> TrainAsync(string name, string[] settings)
    {
        var run = new Run(_folder, name);
        await run.TrainAsync(_text, settings);
        var path = _folder.At("planned.json");
        MemoryReport.Write(path, Enumerable.Range(0, 2).Select(rank => MemoryPlan.Predict(run.Configure(_text, settings), rank)));
        Assert.Equal(File.ReadAllText(path), File.ReadAllText(Path.Combine(run.Folder, "memory.json")));
        return run;
    }
}
