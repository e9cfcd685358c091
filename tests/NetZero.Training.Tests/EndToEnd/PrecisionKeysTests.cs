using System.Text.Json;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Runs in bf16 and fp16: they follow the fp32 run, agree at every stage, hold what Meta plans, and skip what overflows.</summary>
public sealed class PrecisionKeysTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    // Words with something to learn and something that cannot be known.
    public PrecisionKeysTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1500).Select(i => $"{(i * 7919 % 100) + 100} cats and {(i * 31337 % 900) + 100} dogs, ")));

    public void Dispose() => _folder.Dispose();

    // The mean of the last ten steps, since one batch differs from another by more than a percent, at a rate that has come down, so that runs have settled.
    [Fact]
    public async Task HalfPrecision_EndsWithinAPercentOfSingle()
    {
        async Task<double> EndAsync(params string[] settings)
        {
            var run = new Run(_folder, "run" + string.Join('_', settings.Select(s => s.Replace('.', '_'))));
            await run.TrainAsync(_text, [
                "steps=120", "gradient_clipping=1", "optimizer.params.lr=3e-3", "scheduler.type=WarmupCosineLR", "scheduler.params.warmup_num_steps=10", "zero_optimization.stage=3", .. settings,
            ]);
            Assert.True(run.Losses[^1] < 0.6 * run.Losses[0], "training must have learned something for the test to mean something");
            return run.Losses[^10..].Average();
        }

        var single = await EndAsync();
        Assert.Equal(single, await EndAsync("bf16.enabled=true"), 0.01 * single);
        Assert.Equal(single, await EndAsync("fp16.enabled=true", "fp16.initial_scale_power=10"), 0.01 * single);
        Assert.Equal(single, await EndAsync("bf16.enabled=true", "data_types.grad_accum_dtype=bf16", "communication_data_type=bf16"), 0.01 * single);
    }

    [Theory]
    [InlineData(1, "bf16.enabled=true")]
    [InlineData(2, "bf16.enabled=true")]
    [InlineData(3, "bf16.enabled=true", "data_types.grad_accum_dtype=bf16")]
    [InlineData(2, "fp16.enabled=true", "communication_data_type=fp16", "data_types.grad_accum_dtype=fp16", "model.dropout=0.1")]
    [InlineData(2, "bf16.enabled=true", "activation_checkpointing.mode=selective", "frozen=wpe.*", "optimizer.params.state_dtype=int8")]
    [InlineData(2, "bf16.enabled=true", "data_types.parameters={\"**.ln_*.*\": \"fp32\"}")]
    [InlineData(3, "data_types.parameters={\"h.0.**\": \"bf16\", \"**.bias\": \"fp32\"}", "frozen=h.0.**")]
    public async Task Stages_WriteTheSameModel_AndHoldWhatThePlanSays(int ranks, params string[] settings)
    {
        byte[]? model = null;
        for (var stage = 0; stage <= 3; stage++)
        {
            var run = new Run(_folder, $"stage{stage}");
            string[] all = [$"ranks={ranks}", "gradient_accumulation_steps=2", $"zero_optimization.stage={stage}", "gradient_clipping=0.5", .. settings];
            await run.TrainAsync(_text, all);
            model ??= run.ModelBytes;
            Assert.Equal(model, run.ModelBytes);
            var path = _folder.At("planned.json");
            MemoryReport.Write(path, Enumerable.Range(0, ranks).Select(rank => MemoryPlan.Predict(run.Configure(_text, all), rank)));
            Assert.Equal(File.ReadAllText(path), File.ReadAllText(Path.Combine(run.Folder, "memory.json")));
            CheckStates(run, ranks);
        }
    }

    // A scale of 2^40 makes every gradient infinite in half precision: nothing moves, so the one batch of this text has the same loss, until the scale has come down.
    [Fact]
    public async Task Overflow_SkipsSteps_UntilTheScaleFits_AndTheMetricsSaySo()
    {
        var text = _folder.Write("one batch", File.ReadAllText(_text)[..((12 * 13) + 1)]);
        var run = new Run(_folder, "run");
        await run.TrainAsync(text, "steps=40", "fp16.enabled=true", "fp16.initial_scale_power=40", "fp16.hysteresis=1", "zero_optimization.stage=2");
        var skipped = run.Metrics.Select(line => line.GetProperty("skipped").GetBoolean()).ToArray();
        var scales = run.Metrics.Select(line => line.GetProperty("loss_scale").GetDouble()).ToArray();
        var first = Array.IndexOf(skipped, false);
        Assert.InRange(first, 5, 35);
        Assert.Equal(Enumerable.Range(0, first + 1).Select(step => Math.ScaleB(1, 40 - step)), scales[..(first + 1)]);
        Assert.All(run.Losses[..(first + 1)], loss => Assert.Equal(run.Losses[0], loss));
        Assert.True(run.Losses[^1] < run.Losses[0]);
        Assert.Equal("Infinity", run.Metrics[0].GetProperty("grad_norm").ValueKind == JsonValueKind.String ? "Infinity" : "a number");
    }

    [Fact]
    public async Task SingleRuns_SayNothingOfAScale()
    {
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text, "steps=1");
        Assert.False(run.Metrics[0].TryGetProperty("loss_scale", out _));
    }

    [Theory]
    [InlineData("'bf16.enabled' and 'fp16.enabled' are both true: a model computes in one of them; leave the other out", "bf16.enabled=true", "fp16.enabled=true")]
    [InlineData("'fp16.hysteresis' would have no effect: it belongs to fp16.enabled true with a loss_scale of 0; remove it", "fp16.hysteresis=3", "fp16.enabled=true", "fp16.loss_scale=128")]
    [InlineData("'fp16.loss_scale' would have no effect: it belongs to fp16.enabled true; remove it", "fp16.loss_scale=128")]
    [InlineData("'data_types.grad_accum_dtype' is \"fp16\", whose gradients overflow unless the loss is scaled: set 'fp16.enabled', or use \"bf16\" or \"fp32\"", "data_types.grad_accum_dtype=fp16")]
    [InlineData("'data_types.parameters' has \"fp16\", whose gradients overflow unless the loss is scaled: set 'fp16.enabled', or use \"bf16\" or \"fp32\"", "data_types.parameters={\"h.0.**\": \"fp16\"}")]
    [InlineData("'communication_data_type' would have no effect: one rank reduces nothing; leave it out", "communication_data_type=bf16", "ranks=1")]
    [InlineData("'data_types.parameters': The precision override's pattern 'x.*' matches no parameter of the model; parameters are named 'wte.weight', 'wpe.weight', 'h.0.ln_1.weight', 'h.0.ln_1.bias', 'h.0.attn.c_attn.weight', 'h.0.attn.c_attn.bias' and 22 more.", "data_types.parameters={\"x.*\": \"bf16\"}")]
    [InlineData("'data_types.parameters': The precision override of 'h.0.**' would have no effect: what it matches, such as 'h.0.ln_1.weight', is bf16 from fp32 without it; leave it out.", "data_types.parameters={\"h.0.**\": \"bf16\"}", "bf16.enabled=true")]
    [InlineData("'communication_data_type' is the text \"int8\"; expected one of \"fp32\", \"bf16\", \"fp16\"", "communication_data_type=int8")]
    public void Contradiction_IsRefusedWithTheFix(string problem, params string[] overrides) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem(overrides));

    // The formula and the measurement differ by padding: below one alignment of 1 KiB a flat unit and rank, of which blocks have at most two, for each of the five states.
    private static void CheckStates(Run run, int ranks)
    {
        foreach (var rank in run.Memory.GetProperty("ranks").EnumerateArray())
        {
            var found = ((string[])["parameter", "gradient", "optimizer"]).Sum(kind => rank.GetProperty("steady_bytes").GetProperty(kind).GetInt64());
            Assert.InRange(found - rank.GetProperty("model_state_bytes_expected").GetInt64(), 0, 5 * 6 * ranks * 1024);
        }
    }
}
