using NetZero.Checkpoints;

namespace NetZero.Training.Tests.Checkpoints;

/// <summary>A run that stops and goes on is the run that never stopped.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointRun _run;

    public ResumeTests() => _run = new CheckpointRun(_folder);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, 2, false)]
    [InlineData(1, 3, false)]
    [InlineData(2, 2, true)]
    [InlineData(3, 3, false)]
    [InlineData(3, 2, true)]
    [InlineData(0, 1, true)]
    public async Task StoppedAndResumed_EqualsTheRunThatNeverStopped_BitForBit(int stage, int ranks, bool beside)
    {
        string[] settings = [$"ranks={ranks}", $"zero_optimization.stage={stage}"];
        string[] saving = [.. settings, "checkpoint.every_steps=2", $"checkpoint.async={(beside ? "true" : "false")}"];
        await _run.TrainAsync("whole", null, 0, settings);

        var (stopped, _) = await _run.TrainAsync("parts", null, 3, saving);
        Assert.True(stopped.Stopped);
        Assert.Equal((3, _run.Checkpoints("parts").Of(3)), (stopped.StepsDone, stopped.Checkpoint));
        Assert.False(File.Exists(Path.Combine(_run.At("parts").Folder, "model", "model.safetensors")));
        Assert.Equal([3, 2], _run.Checkpoints("parts").Steps());

        var (resumed, events) = await _run.TrainAsync("parts", "auto", 0, saving);
        Assert.Equal((_run.Checkpoints("parts").Of(3), 3), (events.Resumed!.Checkpoint, (int)events.Resumed.Step));
        Assert.Empty(events.Resumed.Changes);
        Assert.Equal((false, 3, CheckpointRun.Steps), (resumed.Stopped, resumed.ResumedFrom!.Value, resumed.StepsDone));
        Assert.Equal(_run.At("whole").Losses[0], resumed.FirstLoss);
        Assert.Equal([6, 4, 3, 2], _run.Checkpoints("parts").Steps());
        _run.AssertSame("whole", "parts");
    }

    [Theory]
    [InlineData("optimizer={\"type\": \"SGD\", \"params\": {\"lr\": 0.01, \"momentum\": 0.9}}")]
    [InlineData("optimizer={\"type\": \"Lion\", \"params\": {\"lr\": 0.001, \"state_dtype\": \"bf16\"}}")]
    [InlineData("optimizer={\"params\": {\"lr\": 0.01, \"state_dtype\": \"int8\"}}")]
    [InlineData("optimizer={\"type\": \"LAMB\", \"params\": {\"lr\": 0.01}}")]
    [InlineData("optimizer={\"type\": \"Muon\", \"params\": {\"lr\": 0.01, \"adamw_params\": \"w*.*\"}}")]
    [InlineData("optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false, \"lr\": 0.05, \"beta1\": 0.9}}")]
    [InlineData("ema={\"decay\": 0.9}")]
    [InlineData("bf16.enabled=true")]
    [InlineData("fp16={\"enabled\": true, \"initial_scale_power\": 17, \"loss_scale_window\": 2, \"hysteresis\": 1}")]
    [InlineData("frozen=wte.*")]
    [InlineData("zero_optimization.shard_group_size=2")]
    [InlineData("zero_optimization.overrides={\"h.0\": {\"stage\": 1}}")]
    public async Task EveryKindOfState_IsRestored(string setting)
    {
        string[] settings = ["ranks=4", "train_batch_size=16", "zero_optimization.stage=3", setting];
        await _run.TrainAsync("whole", null, 0, settings);

        // Beside training too: what is copied and written from the copies is the same.
        await AssertRestoredAsync("parts", [.. settings, "checkpoint.every_steps=100"]);
        await AssertRestoredAsync("beside", [.. settings, "checkpoint.every_steps=2", "checkpoint.async=true"]);
    }

    [Fact]
    public async Task Processes_StopTogetherWhenOneIsAsked_AndResume_WithTheFilesOfThreads()
    {
        string[] settings = ["ranks=2", "zero_optimization.stage=3", "checkpoint.every_steps=2"];
        await _run.TrainAsync("whole", null, 0, settings);

        var stopped = await _run.TrainInProcessesAsync("parts", 2, null, 3, settings[1..]);
        Assert.Equal((true, 3), (stopped.Stopped, stopped.StepsDone));
        var resumed = await _run.TrainInProcessesAsync("parts", 2, "auto", 0, [.. settings[1..], "checkpoint.async=true"]);
        Assert.Equal((false, CheckpointRun.Steps), (resumed.Stopped, resumed.StepsDone));
        _run.AssertSame("whole", "parts");
    }

    [Theory]
    [InlineData(2, 3, 0, 3, 1, 0)]
    [InlineData(2, 3, 0, 4, 1, 0, "optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false, \"lr\": 0.05}}")]
    [InlineData(4, 3, 2, 3, 0, 0, "optimizer={\"type\": \"Adafactor\", \"params\": {\"relative_step\": false, \"lr\": 0.05}}")]
    [InlineData(3, 2, 0, 1, 3, 0)]
    [InlineData(4, 0, 0, 1, 3, 0)]
    [InlineData(1, 3, 0, 4, 0, 0)]
    [InlineData(4, 3, 2, 3, 1, 0)]
    [InlineData(3, 2, 0, 4, 3, 2)]
    public async Task AnotherWorld_GoesOnWithTheSameGlobalBatches(int ranks, int stage, int group, int laterRanks, int laterStage, int laterGroup, params string[] more)
    {
        string[] settings = ["train_batch_size=24", "gradient_accumulation_steps=1", "checkpoint.every_steps=3", .. more];
        string[] before = [.. settings, $"ranks={ranks}", $"zero_optimization.stage={stage}", $"zero_optimization.shard_group_size={group}"];
        string[] after = [.. settings, $"ranks={laterRanks}", $"zero_optimization.stage={laterStage}", $"zero_optimization.shard_group_size={laterGroup}"];
        await _run.TrainAsync("whole", null, 0, before);
        await _run.TrainAsync("parts", null, 3, before);
        var (_, events) = await _run.TrainAsync("parts", "auto", 0, after);

        Assert.Contains($"'ranks' is {laterRanks}, was {ranks}", events.Resumed!.Changes);
        var (expected, actual) = (_run.At("whole").Losses, _run.At("parts").Losses);
        Assert.Equal(expected[..3], actual[..3]);

        // Sums of another order differ in the last bits; other samples, or other dropout, differ in the first digits.
        for (var step = 3; step < CheckpointRun.Steps; step++)
            Assert.Equal(expected[step], actual[step], 2e-5);
        Assert.Equal(_run.At("whole").Metrics.Select(m => m.GetProperty("tokens").GetInt64()), _run.At("parts").Metrics.Select(m => m.GetProperty("tokens").GetInt64()));
    }

    [Fact]
    public async Task AnotherBatchSize_GoesOnWhereTheSamplesEnded()
    {
        await _run.TrainAsync("run", null, 3, "train_batch_size=12", "checkpoint.every_steps=3", "ranks=1");
        await _run.TrainAsync("run", "auto", 0, "train_batch_size=24", "checkpoint.every_steps=3", "ranks=1");

        Assert.Equal([12, 24, 36, 60, 84, 108], _run.At("run").Metrics.Select(m => m.GetProperty("tokens").GetInt64() / 13));
        Assert.Equal(108, Manifest("run", 6).Data!.Samples);
    }

    [Fact]
    public async Task WithoutCheckpoint_StartsFresh_AndSaysSo()
    {
        string[] settings = ["checkpoint.every_steps=4", "steps=4"];
        var (summary, events) = await _run.TrainAsync("run", "auto", 0, settings);
        Assert.Equal(new ResumeReport(_run.Checkpoints("run").FullPath, null, 0, 0, [], []).ToString(), events.Resumed!.ToString());
        Assert.Equal((4, null), (summary.StepsDone, summary.ResumedFrom));

        // A run that was cut off before its first checkpoint begins again; one that is finished is kept.
        _run.Checkpoints("run").Clear();
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => _run.TrainAsync("run", "auto", 0, settings));
        Assert.Contains("holds a finished run without checkpoints", error.Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(_run.At("run").Folder, "model", "model.safetensors"));
        (summary, events) = await _run.TrainAsync("run", "auto", 0, settings);
        Assert.Null(events.Resumed!.Checkpoint);
        Assert.Equal([0, 1, 2, 3], _run.At("run").Metrics.Select(m => m.GetProperty("step").GetInt32()));
    }

    [Fact]
    public async Task CompleteRun_GoesOnWithMoreSteps_AndOtherwiseOnlyWritesItsModelAgain()
    {
        string[] settings = ["checkpoint.every_steps=100", "scheduler.params.total_num_steps=6"];
        await _run.TrainAsync("whole", null, 0, settings);
        await _run.TrainAsync("run", null, 0, [.. settings, "steps=4"]);
        File.Delete(Path.Combine(_run.At("run").Folder, "model", "model.safetensors"));

        var (summary, _) = await _run.TrainAsync("run", "auto", 0, [.. settings, "steps=4"]);
        Assert.Equal((4, _run.At("whole").Losses[3]), (summary.StepsDone, summary.LastLoss!.Value));
        Assert.NotEmpty(_run.At("run").ModelBytes);

        var (more, events) = await _run.TrainAsync("run", "auto", 0, settings);
        Assert.Equal(["'steps' is 6, was 4"], events.Resumed!.Changes);
        Assert.Equal(6, more.StepsDone);
        _run.AssertSame("whole", "run");
    }

    [Fact]
    public async Task DamagedCheckpoint_IsPassedOverAndSetAside_AndTheOneBeforeServes()
    {
        string[] settings = ["checkpoint.every_steps=2", "ranks=2", "zero_optimization.stage=2"];
        await _run.TrainAsync("whole", null, 0, settings);
        await _run.TrainAsync("run", null, 0, settings);
        Damage(_run.Checkpoints("run").Of(6));
        File.Delete(Path.Combine(_run.Checkpoints("run").Of(4), "rank-00001.safetensors"));

        var (summary, events) = await _run.TrainAsync("run", "auto", 0, settings);

        Assert.Equal((2, _run.Checkpoints("run").Of(2)), ((int)summary.ResumedFrom!.Value, events.Resumed!.Checkpoint));
        Assert.Collection(
            events.Resumed.PassedOver,
            line => Assert.Contains("step-000006", line, StringComparison.Ordinal),
            line => Assert.Contains("the file rank-00001.safetensors is missing", line, StringComparison.Ordinal));
        Assert.True(Directory.Exists(Path.Combine(_run.Checkpoints("run").FullPath, "aside-step-000006")));
        _run.AssertSame("whole", "run");
        new[] { 2L, 4, 6 }.ToList().ForEach(step => AssertSound(_run.Checkpoints("run").Of(step)));
    }

    [Fact]
    public async Task NothingThatVerifies_IsAnError_AndTheRunStaysAsItWas()
    {
        string[] settings = ["checkpoint.every_steps=3", "ranks=2"];
        await _run.TrainAsync("run", null, 0, settings);
        foreach (var step in _run.Checkpoints("run").Steps())
            Damage(_run.Checkpoints("run").Of(step));
        var before = Contents("run");

        var error = await Assert.ThrowsAsync<CheckpointException>(() => _run.TrainAsync("run", "auto", 0, settings));
        Assert.Contains("none of its 2 checkpoints can be used", error.Message, StringComparison.Ordinal);
        Assert.Contains("step-000003", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);

        var named = await Assert.ThrowsAsync<CheckpointException>(() => _run.TrainAsync("run", _run.Checkpoints("run").Of(6), 0, settings));
        Assert.EndsWith($"the one before it is {_run.Checkpoints("run").Of(3)}", named.Message, StringComparison.Ordinal);
        Assert.Equal(before, Contents("run"));
    }

    [Fact]
    public async Task CheckpointOfAnotherRun_BeginsANewFolder_AndLeavesThatRunAlone()
    {
        string[] settings = ["checkpoint.every_steps=2"];
        await _run.TrainAsync("whole", null, 0, settings);
        var before = Contents("whole");
        await _run.TrainAsync("branch", _run.Checkpoints("whole").Of(4), 0, settings);

        Assert.Equal(before, Contents("whole"));
        Assert.Equal([4, 5], _run.At("branch").Metrics.Select(m => m.GetProperty("step").GetInt32()));
        Assert.Equal(_run.Lines("whole")[4..], _run.Lines("branch"));
        Assert.Equal(_run.At("whole").ModelBytes, _run.At("branch").ModelBytes);
    }

    [Fact]
    public async Task OlderCheckpointOfTheRun_SetsTheLaterOnesAside_AndNoStepIsThereTwice()
    {
        string[] settings = ["checkpoint.every_steps=2"];
        await _run.TrainAsync("whole", null, 0, settings);
        await _run.TrainAsync("run", null, 0, settings);
        await _run.TrainAsync("run", _run.Checkpoints("run").Of(2), 5, settings);

        Assert.Equal([0, 1, 2, 3, 4], _run.At("run").Metrics.Select(m => m.GetProperty("step").GetInt32()));
        Assert.Equal([5, 4, 2], _run.Checkpoints("run").Steps());
        await _run.TrainAsync("run", "auto", 0, settings);
        _run.AssertSame("whole", "run");
    }

    [Theory]
    [InlineData("steps=3", "'steps' is 3, but the checkpoint ")]
    [InlineData("seed=4", "'seed' is 4, but the checkpoint ")]
    [InlineData("data.seq_len=11", "the saved data position (")]
    [InlineData("data.shuffle=false", "the saved data position (")]
    public async Task ConfigurationThatCannotGoOn_IsRefused_AndTheRunStaysAsItWas(string setting, string problem)
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=4", "steps=4", "scheduler.params.warmup_num_steps=1");
        var before = Contents("run");

        var error = await Assert.ThrowsAsync<ConfigurationException>(
            () => _run.TrainAsync("run", "auto", 0, "checkpoint.every_steps=4", "scheduler.params.warmup_num_steps=1", setting));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Contents("run"));
    }

    [Theory]
    [InlineData("eval_every=2", "frozen=wte.*", "'wte.weight' were trained when it was saved and are frozen in this run; ")]
    [InlineData("frozen=wte.*", "eval_every=2", "'wte.weight' were frozen when it was saved and are trained in this run; ")]
    public async Task OtherFrozenParameters_AreNamed(string before, string now, string problem)
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=4", "steps=4", before);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => _run.TrainAsync("run", "auto", 0, now));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("a run that goes on has the same 'frozen' as the one that was saved", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("checkpoint.json")]
    [InlineData("rank-00000.safetensors")]
    public async Task FileThatIsThereAndCannotBeRead_IsNoDamage_SoNothingIsSetAside(string name)
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=2", "steps=4");
        var before = Directory.EnumerateFileSystemEntries(_run.Checkpoints("run").FullPath).Order(StringComparer.Ordinal).ToList();

        // Open without sharing, which stops the superuser too, as permissions do not.
        using (new FileStream(Path.Combine(_run.Checkpoints("run").Of(4), name), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            var error = await Assert.ThrowsAsync<CheckpointException>(() => _run.TrainAsync("run", "auto", 0));
            Assert.False(error.IsDamage);
            Assert.Contains($"{name}: cannot be read: ", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, Directory.EnumerateFileSystemEntries(_run.Checkpoints("run").FullPath).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task CheckpointOfAnotherModel_IsRefused_NotPassedOver()
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=4", "steps=4");
        var error = await Assert.ThrowsAsync<CheckpointException>(() => _run.TrainAsync("run", "auto", 0, "model.n_layer=3"));
        Assert.Contains("it is of another model or another optimizer", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing", "there is no such folder")]
    [InlineData("", "is no checkpoint and holds none")]
    public async Task PathWithoutCheckpoint_IsAMistake(string path, string problem)
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => _run.TrainAsync("run", _folder.At(path), 0));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_run.At("run").Folder));
    }

    [Fact]
    public async Task ResumeAndOverwrite_ContradictEachOther()
    {
        await _run.TrainAsync("run", null, 0, "checkpoint.every_steps=4", "steps=4");
        var error = await Assert.ThrowsAsync<ConfigurationException>(
            () => Trainer.RunAsync(_run.Configure("run"), new TrainingOptions { Resume = "auto", Overwrite = true }, new CheckpointRun.Events(0, new CancellationTokenSource())));
        Assert.Contains("leave one of them out", error.Message, StringComparison.Ordinal);
    }

    private async Task AssertRestoredAsync(string name, string[] settings)
    {
        await _run.TrainAsync(name, null, 3, settings);
        await _run.TrainAsync(name, "auto", 0, settings);
        _run.AssertSame("whole", name);
    }

    private CheckpointManifest Manifest(string name, long step)
    {
        using var reader = CheckpointReader.Open(_run.Checkpoints(name).Of(step));
        return reader.Manifest;
    }

    private static void AssertSound(string checkpoint)
    {
        using var reader = CheckpointReader.Open(checkpoint);
        reader.Verify(damage => Assert.Fail(damage));
    }

    private static void Damage(string checkpoint)
    {
        var path = Path.Combine(checkpoint, "rank-00000.safetensors");
        var bytes = File.ReadAllBytes(path);
        bytes[^5] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private string[] Contents(string name) =>
    [
        .. Directory.EnumerateFiles(_run.At(name).Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}"),
    ];
}
