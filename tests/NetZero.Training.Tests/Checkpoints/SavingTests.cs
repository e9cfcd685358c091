namespace NetZero.Training.Tests.Checkpoints;

/// <summary>When the trainer saves, what stays, and what a save that fails does to training.</summary>
public sealed class SavingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointRun _run;

    public SavingTests() => _run = new CheckpointRun(_folder);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("checkpoint.every_steps=4", new long[] { 6, 4 })]
    [InlineData("checkpoint.every_minutes=1e-9", new long[] { 6, 5, 4, 3, 2, 1 })]
    [InlineData("checkpoint.every_minutes=1000", new long[] { 6 })]
    [InlineData("checkpoint={\"every_steps\": 1, \"keep_last\": 2}", new long[] { 6, 5 })]
    public async Task Policy_SaysWhichStepsAreSaved_AndTheLastOneIs(string setting, long[] steps)
    {
        var (summary, events) = await _run.TrainAsync("run", null, 0, setting);

        Assert.Equal(steps, _run.Checkpoints("run").Steps());
        Assert.All(events.Saves, save => Assert.Null(save.Failure));
        Assert.Equal(_run.Checkpoints("run").Of(6), summary.Checkpoint);
        Assert.Contains("checkpoints", summary.Files);
    }

    [Fact]
    public async Task KeepBest_EvaluatesAtEachSave_AndKeepsTheLowestLoss()
    {
        await _run.TrainAsync("run", null, 0, "eval_every=0", "checkpoint={\"every_steps\": 1, \"keep_last\": 1, \"keep_best\": 1}", "optimizer.params.lr=1", "optimizer.params.weight_decay=0");

        var losses = _run.At("run").Metrics.Select(m => m.GetProperty("validation_loss").GetDouble()).ToArray();
        var best = Array.IndexOf(losses, losses.Min()) + 1L;
        Assert.Equal(new[] { 6, best }.Distinct(), _run.Checkpoints("run").Steps());
        Assert.NotEqual(6, best);
    }

    [Fact]
    public async Task OffByDefault_NothingIsSaved_AndAskingToStopEndsAtOnce()
    {
        var (summary, events) = await _run.TrainAsync("run", null, 3);
        Assert.Equal((true, false), (summary.Cancelled, summary.Stopped));
        Assert.Empty(events.Saves);
        Assert.False(Directory.Exists(_run.Checkpoints("run").FullPath));
    }

    [Fact]
    public async Task Overwrite_RemovesTheCheckpointsOfTheRunBefore_AndNothingOfOthers()
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=1", "steps=4");
        _folder.Write("run/checkpoints/mine", "");
        await Trainer.RunAsync(_run.Configure("run"), new TrainingOptions { Overwrite = true }, new CheckpointRun.Events(0, new CancellationTokenSource()));
        Assert.Equal(["mine"], Directory.EnumerateFileSystemEntries(_run.Checkpoints("run").FullPath).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SaveThatFails_IsReported_AndTrainingGoesOnUnchanged(bool beside)
    {
        await _run.TrainAsync("whole", null, 0);
        var events = new CheckpointRun.Events(0, new CancellationTokenSource()) { OnStepDone = step => Block("run", step, 2) };
        var summary = await Trainer.RunAsync(
            _run.Configure("run", "checkpoint.every_steps=2", $"checkpoint.async={(beside ? "true" : "false")}"), new TrainingOptions(), events);

        Assert.Equal([2, 4, 6], events.Saves.Select(save => save.Step));
        Assert.Null(events.Saves[0].Failure);
        Assert.All(events.Saves.Skip(1), save => Assert.Contains("checkpoints", save.Failure, StringComparison.Ordinal));
        Assert.Equal(_run.Checkpoints("run").Of(2), summary.Checkpoint);
        _run.AssertSame("whole", "run");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopOnFailure_EndsTheRunWithTheReason(bool beside)
    {
        var events = new CheckpointRun.Events(0, new CancellationTokenSource()) { OnStepDone = step => Block("run", step, 2) };
        var error = await Assert.ThrowsAsync<IOException>(() => Trainer.RunAsync(
            _run.Configure("run", $"checkpoint={{\"every_steps\": 2, \"stop_on_failure\": true, \"async\": {(beside ? "true" : "false")}}}"), new TrainingOptions(), events));
        Assert.StartsWith("the checkpoint of step 4 could not be saved: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StopWithoutASave_IsAnError_NotAStop()
    {
        using var stop = new CancellationTokenSource();
        var events = new CheckpointRun.Events(4, stop) { OnStepDone = step => Block("run", step, 2) };
        var error = await Assert.ThrowsAsync<IOException>(
            () => Trainer.RunAsync(_run.Configure("run", "checkpoint.every_steps=100"), new TrainingOptions { Stop = stop.Token }, events));
        Assert.StartsWith("the run was asked to stop, but its checkpoint could not be saved: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("checkpoint.keep_last=2", "'checkpoint.keep_last' would have no effect: it belongs to checkpoint.every_steps or checkpoint.every_minutes above 0; remove it")]
    [InlineData("checkpoint={\"every_steps\": 1, \"keep_best\": 2}", "'checkpoint.keep_best' would have no effect: it belongs to checkpoint.keep_last above 0, without which all stay; remove it")]
    [InlineData("checkpoint={\"every_steps\": 1, \"snapshot_budget\": \"1MB\"}", "'checkpoint.snapshot_budget' would have no effect: it belongs to checkpoint.async true; remove it")]
    [InlineData("checkpoint.every_minutes=-1", "'checkpoint.every_minutes' is the number -1; expected a number, at least 0")]
    [InlineData("checkpoint.every=1", "unknown key 'checkpoint.every'")]
    public void Mistake_IsNamed(string setting, string problem)
    {
        var error = Assert.Throws<ConfigurationException>(() => _run.Configure("run", setting));
        Assert.Contains(error.Problems, line => line.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void KeepBest_NeedsAValidationText()
    {
        var error = Assert.Throws<ConfigurationException>(
            () => _run.At("run").Configure(_run.Text, "checkpoint={\"every_steps\": 1, \"keep_last\": 1, \"keep_best\": 2}"));
        Assert.Contains("there is no 'data.validation' to tell the best by", error.Message, StringComparison.Ordinal);
    }

    // Puts files where the folders of later checkpoints would be begun: they cannot be made, whoever runs this.
    private void Block(string name, int step, int from)
    {
        if (step != from)
            return;
        for (var later = from + 1; later <= CheckpointRun.Steps; later++)
            _folder.Write($"{name}/checkpoints/.step-00000{later}.partial", "");
    }
}
