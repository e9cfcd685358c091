using NetZero.Tensors;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>The plan on Meta says exactly what the run will report, and a budget is judged by it.</summary>
public sealed class MemoryPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _text;

    public MemoryPlanTests() => _text = _folder.Write("text", string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7} ")));

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int, int, int, string> Runs
    {
        get
        {
            var data = new TheoryData<int, int, int, string>();
            for (var stage = 0; stage <= 3; stage++)
            {
                data.Add(1 + (stage % 3), stage, 1, "eval_every=0");
                data.Add(3, stage, 2, "eval_every=2");
            }

            data.Add(2, 3, 3, "zero_optimization.reduce=last");
            data.Add(2, 2, 1, "optimizer={\"type\": \"SGD\"}");
            data.Add(2, 3, 1, "optimizer={\"type\": \"Lion\", \"params\": {\"state_dtype\": \"bf16\"}}");
            data.Add(3, 1, 1, "optimizer={\"params\": {\"state_dtype\": \"int8\"}}");
            data.Add(3, 3, 1, "optimizer={\"type\": \"Muon\"}");
            data.Add(2, 0, 1, "optimizer={\"type\": \"Muon\"}");
            data.Add(3, 3, 1, "optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false}}");
            data.Add(2, 0, 1, "optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false, \"beta1\": 0.9, \"state_dtype\": \"bf16\"}}");
            data.Add(2, 1, 1, "ema.decay=0.9");
            data.Add(3, 3, 1, "ema.decay=0.9");
            data.Add(2, 3, 1, "steps=1");
            data.Add(2, 3, 1, "threads_per_rank=3");
            data.Add(3, 3, 1, "checkpoint={\"every_steps\": 1, \"async\": true}");
            data.Add(2, 1, 1, "checkpoint={\"every_steps\": 2, \"async\": true, \"snapshot_budget\": \"30KB\"}");
            data.Add(2, 3, 1, "checkpoint={\"every_steps\": 3, \"async\": true}");
            data.Add(2, 2, 1, "checkpoint.every_steps=1");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Prediction_EqualsTheRunsMemoryReport_InEveryNumber(int ranks, int stage, int accumulation, string setting)
    {
        var run = new Run(_folder, "run");
        string[] settings = [$"ranks={ranks}", $"zero_optimization.stage={stage}", $"gradient_accumulation_steps={accumulation}", setting];
        if (setting == "eval_every=2")
            settings = [.. settings, $"data.validation={_text}"];
        await run.TrainAsync(_text, settings);

        var planned = Enumerable.Range(0, ranks).Select(rank => MemoryPlan.Predict(run.Configure(_text, settings), rank));
        var path = _folder.At("planned.json");
        MemoryReport.Write(path, planned);
        Assert.Equal(File.ReadAllText(path), File.ReadAllText(Path.Combine(run.Folder, "memory.json")));
    }

    [Fact]
    public async Task Report_HasTheContractsKeys()
    {
        var run = new Run(_folder, "run");
        await run.TrainAsync(_text, "zero_optimization.stage=3");

        var ranks = run.Memory.GetProperty("ranks").EnumerateArray().ToArray();
        Assert.Equal([0, 1], ranks.Select(rank => rank.GetProperty("rank").GetInt32()));
        string[] kinds = ["parameter", "gathered", "gradient", "optimizer", "activation", "communication", "workspace", "snapshot", "total"];
        Assert.All(ranks, rank =>
        {
            Assert.Equal(["rank", "peak_bytes", "steady_bytes", "model_state_bytes_expected"], rank.EnumerateObject().Select(p => p.Name));
            Assert.Equal(kinds, rank.GetProperty("peak_bytes").EnumerateObject().Select(p => p.Name));
            Assert.Equal(kinds, rank.GetProperty("steady_bytes").EnumerateObject().Select(p => p.Name));

            // ZeRO, section 5, fp32 with Adam: 16 P / N at the update, and padding of at most one alignment of 1 KiB a unit and rank for each of the four.
            long Steady(string kind) => rank.GetProperty("steady_bytes").GetProperty(kind).GetInt64();
            var expected = rank.GetProperty("model_state_bytes_expected").GetInt64();
            Assert.InRange(Steady("parameter") + Steady("gradient") + Steady("optimizer") - expected, 0, 4 * 3 * 1024);
        });
    }

    [Fact]
    public async Task Budget_OfThePredictedPeak_IsEnough_AndAGranuleLessIsRefusedBeforeAnythingIsWritten()
    {
        string[] settings = ["zero_optimization.stage=3"];
        var run = new Run(_folder, "run");
        var peak = MemoryPlan.Predict(run.Configure(_text, settings)).Peak.Total;

        var error = await Assert.ThrowsAsync<MemoryBudgetExceededException>(
            () => run.TrainAsync(_text, [.. settings, $"memory_budget={peak - MemoryLedger.GranuleBytes}"]));
        Assert.Contains("parameter ", error.Message, StringComparison.Ordinal);
        Assert.Contains("activation ", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder));

        await run.TrainAsync(_text, [.. settings, $"memory_budget={peak}"]);
        Assert.Equal(peak, run.Memory.GetProperty("ranks")[0].GetProperty("peak_bytes").GetProperty("total").GetInt64());
    }
}
