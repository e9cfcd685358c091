using NetZero.Training.Tests.Checkpoints;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Runs whose validation loss stops falling.</summary>
public sealed class EarlyStoppingTests : IDisposable
{
    // A rate at which the validation loss rises soon.
    private static readonly string[] Diverging = ["optimizer.params.lr=1", "scheduler={\"type\": \"WarmupLR\", \"params\": {\"warmup_num_steps\": 1}}", "eval_every=1", "steps=30", "early_stopping.patience=3"];

    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointRun _run;

    public EarlyStoppingTests() => _run = new CheckpointRun(_folder);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    public async Task LossThatRises_EndsTheRun_PatienceEvaluationsAfterTheLowest(int ranks, int stage)
    {
        var (summary, _) = await _run.TrainAsync("run", null, 0, [.. Diverging, $"ranks={ranks}", $"zero_optimization.stage={stage}", "checkpoint={\"every_steps\": 100, \"keep_last\": 1, \"keep_best\": 1}"]);

        var losses = ValidationLosses("run");
        var best = Array.IndexOf(losses, losses.Min());
        Assert.Equal(best + 1 + 3, losses.Length);
        Assert.Equal(new EarlyStop(losses[best], best + 1, 3), summary.EarlyStop);
        Assert.Equal((losses.Length, false, false), (summary.StepsDone, summary.Stopped, summary.Cancelled));
        Assert.NotEmpty(_run.At("run").ModelBytes);
        Assert.Equal([losses.Length], _run.Checkpoints("run").Steps());
    }

    [Fact]
    public async Task StoppedAndResumed_EndsWhereTheRunEndsThatNeverStopped()
    {
        var (whole, _) = await _run.TrainAsync("whole", null, 0, Diverging);
        string[] saving = [.. Diverging, "checkpoint.every_steps=100"];
        var (parts, _) = await _run.TrainAsync("parts", null, whole.StepsDone - 1, saving);
        Assert.True(parts.Stopped);

        var (resumed, _) = await _run.TrainAsync("parts", "auto", 0, saving);
        Assert.Equal(whole.EarlyStop, resumed.EarlyStop);
        _run.AssertSame("whole", "parts");

        // What has ended has ended, unless somebody has more patience.
        var (again, _) = await _run.TrainAsync("parts", "auto", 0, saving);
        Assert.Equal((whole.StepsDone, whole.EarlyStop), (again.StepsDone, again.EarlyStop));
        var (longer, _) = await _run.TrainAsync("parts", "auto", 0, [.. saving, $"steps={whole.StepsDone + 1}", "early_stopping.patience=9"]);
        Assert.Equal((whole.StepsDone + 1, null), (longer.StepsDone, longer.EarlyStop));
    }

    [Fact]
    public async Task ProcessesEndTogether()
    {
        var (threads, _) = await _run.TrainAsync("threads", null, 0, [.. Diverging, "ranks=2"]);
        var processes = await _run.TrainInProcessesAsync("processes", 2, null, 0, Diverging);
        Assert.Equal((threads.StepsDone, threads.EarlyStop), (processes.StepsDone, processes.EarlyStop));
    }

    [Fact]
    public void MinDelta_IsHowMuchLowerALossMustBe_AndNaNIsNeverLower()
    {
        var early = new EarlyStopping(new EarlyStoppingConfiguration { Patience = 2, MinDelta = 0.125 });
        early.After(1, double.NaN);
        early.After(2, 4);
        early.After(3, 3.875);
        Assert.Null(early.Reason);
        early.After(4, 3.75);
        early.After(5, 3.625);
        Assert.Null(early.Reason);
        early.After(6, double.NaN);
        Assert.Equal(new EarlyStop(3.75, 4, 2), early.Reason);
    }

    [Theory]
    [InlineData("'early_stopping.patience' is 2, but nothing is evaluated: 'eval_every' is 0 (off); set it and 'data.validation', or leave 'early_stopping' out", "early_stopping.patience=2")]
    [InlineData("'early_stopping.min_delta' would have no effect: it belongs to early_stopping.patience above 0; remove it", "early_stopping.min_delta=0.1")]
    public void WithoutEffect_IsRefused(string problem, string setting) =>
        Assert.Equal("the configuration: " + problem, Configurations.Problem(setting));

    private double[] ValidationLosses(string name) =>
        [.. _run.At(name).Metrics.Select(m => m.GetProperty("validation_loss")).Select(v => v.ValueKind == System.Text.Json.JsonValueKind.Number ? v.GetDouble() : double.NaN)];
}
