using NetZero.Sharding;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Runs whose ranks have different numbers of samples: they end together, every sample that is used counts the same, and nothing hangs.</summary>
public sealed class UnevenInputsTests : IDisposable
{
    private const int Length = 13;

    // Far above what the runs take; a rank that waited for one that has left would be named at once, one that hangs after this.
    private const string Timeout = "timeout_seconds=20";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int, int, UnevenInputs> Worlds
    {
        get
        {
            var data = new TheoryData<int, int, UnevenInputs>();
            foreach (var (ranks, stage) in (ReadOnlySpan<(int, int)>)[(1, 0), (2, 0), (2, 1), (2, 3), (3, 2), (3, 3), (5, 3)])
                foreach (var mode in Enum.GetValues<UnevenInputs>())
                    data.Add(ranks, stage, mode);
            return data;
        }
    }

    // Rank r has 7 - r samples for each of two epochs and takes up to 2 x 2 of them a step, so ranks end at different steps, some within a micro-batch.
    [Theory]
    [MemberData(nameof(Worlds))]
    public async Task FilesOfDifferentLengths_EndTogether_WithEveryTokenCountedOnce(int ranks, int stage, UnevenInputs mode)
    {
        const int epochs = 2, perStep = 4;
        var samples = Enumerable.Range(0, ranks).Select(rank => 7 - rank).ToArray();
        for (var rank = 0; rank < ranks; rank++)
            Write(Path.Combine("text", $"{rank}.txt"), samples[rank], rank);
        var run = new Run(_folder, "run");
        var summary = await run.TrainAsync(
            _folder.At("text"), $"ranks={ranks}", $"train_batch_size={4 * ranks}", "gradient_accumulation_steps=2", "steps=100", Timeout,
            $"zero_optimization.stage={stage}", "data.shard_by=files", $"data.epochs={epochs}", $"data.uneven_inputs={mode}", "data.shuffle=true", "model.dropout=0.1");

        // What each rank has in a step, by hand.
        int Taken(int rank, int step) => Math.Clamp((epochs * samples[rank]) - (step * perStep), 0, perStep);
        var steps = Enumerable.Range(0, 100).TakeWhile(step =>
        {
            var has = Enumerable.Range(0, ranks).Select(rank => Taken(rank, step) > 0).ToList();
            return mode == UnevenInputs.Stop ? !has.Contains(false) : has.Contains(true);
        }).ToList();
        Assert.Equal(steps.Count, summary.StepsDone);
        Assert.False(summary.Cancelled);

        // Progress counts to the step that is the last, whatever was asked for.
        Assert.All(run.Reports, report => Assert.Equal(steps.Count, report.Steps));
        Assert.Equal(TimeSpan.Zero, run.Reports[^1].TimeLeft);
        Assert.DoesNotContain(TimeSpan.Zero, run.Reports.SkipLast(1).Select(report => report.TimeLeft));
        Assert.Equal(
            steps.Select(last => (long)Length * steps.Where(step => step <= last).Sum(step => Enumerable.Range(0, ranks).Sum(rank => Taken(rank, step)))),
            run.Metrics.Select(line => line.GetProperty("tokens").GetInt64()));
        Assert.All(run.Losses, loss => Assert.InRange(loss, 1, 7));
        Assert.True(mode == UnevenInputs.Stop || ranks < 3 || steps.Count > Enumerable.Range(0, 100).TakeWhile(step => Taken(ranks - 1, step) > 0).Count(),
            "a rank must run out before the others for the test to mean something");
    }

    [Fact]
    public async Task StagesAndModes_AgreeInEveryBit()
    {
        for (var rank = 0; rank < 3; rank++)
            Write(Path.Combine("text", $"{rank}.txt"), 3 + (4 * rank), rank);
        Run? first = null;
        foreach (var (stage, mode) in ((int, string)[])[(0, "pad"), (0, "skip"), (1, "skip"), (2, "pad"), (3, "pad"), (3, "skip")])
        {
            var run = new Run(_folder, $"{stage} {mode}");
            await run.TrainAsync(
                _folder.At("text"), "ranks=3", "steps=100", "data.shard_by=files", "data.epochs=1", $"data.uneven_inputs={mode}", $"zero_optimization.stage={stage}", "gradient_clipping=0.1", Timeout);
            first ??= run;
            Assert.Equal(first.Losses, run.Losses);
            Assert.Equal(first.ModelBytes, run.ModelBytes);
        }
    }

    // 31 samples in steps of 12: the last step has 7, which rank 0 (and of 3 ranks, half of rank 1) has. One rank takes them as a batch of 7 and 5 that are padding.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task OneTextOnManyRanks_TrainsAsOnOne_ToItsEnd(int ranks)
    {
        var text = Write("text.txt", 31, 0);
        var alone = new Run(_folder, "alone");
        await alone.TrainAsync(text, "ranks=1", "steps=9", "data.epochs=1");
        Assert.Equal(3, alone.Losses.Length);
        foreach (var mode in (string[])["pad", "skip"])
        {
            var run = new Run(_folder, mode);
            await run.TrainAsync(text, $"ranks={ranks}", "steps=9", "data.epochs=1", $"data.uneven_inputs={mode}", Timeout);

            // Losses are below 8 and means of 91 to 156 targets: each added up in another order, in fp32, and three steps of rate 0.01 apart.
            Assert.Equal(alone.Losses, run.Losses, (a, b) => Math.Abs(a - b) < 156 * 8 * Math.Pow(2, -24));
        }

        // The third step has one sample for the last of 2 ranks, and none for the last of more.
        var stopped = new Run(_folder, "stop");
        var summary = await stopped.TrainAsync(text, $"ranks={ranks}", "steps=9", "data.epochs=1", "data.uneven_inputs=stop", Timeout);
        Assert.Equal(ranks == 2 ? 3 : 2, summary.StepsDone);
        Assert.Equal((ranks == 2 ? 31 : 24) * Length, stopped.Metrics[^1].GetProperty("tokens").GetInt64());
    }

    // 31 samples twice in steps of 12 are 6 steps: a schedule with an end spans these, and not the hundred that were asked for at most,
    // also where the run goes on from its middle.
    [Theory]
    [InlineData("scheduler={\"type\": \"WarmupCosineLR\", \"params\": {\"warmup_num_steps\": 2}}")]
    [InlineData("scheduler={\"type\": \"WarmupStableDecayLR\", \"params\": {\"warmup_num_steps\": 1, \"decay_num_steps\": 3}}")]
    public async Task Schedule_SpansTheStepsThatTheTextHas(string scheduler)
    {
        var text = Write("text.txt", 31, 0);
        var (ends, asked) = (new Run(_folder, "ends"), new Run(_folder, "asked"));
        string[] settings = ["ranks=2", scheduler, "data.epochs=2", Timeout];
        var summary = await ends.TrainAsync(text, [.. settings, "steps=100"]);
        Assert.Equal((6, 100, 6, 6), (summary.StepsDone, summary.Steps, summary.TextSteps, summary.StepsInAll));
        await asked.TrainAsync(text, [.. settings, "steps=6", "scheduler.params.total_num_steps=6"]);
        Assert.Equal(Rates(asked), Rates(ends));
        Assert.Equal(asked.ModelBytes, ends.ModelBytes);
        Assert.True(Rates(ends)[^1] < 0.5 * Rates(ends).Max(), "the rate has fallen with the last step");

        var parts = new Run(_folder, "parts");
        string[] saving = [.. settings, "checkpoint.every_steps=1000"];
        await parts.TrainAsync(text, [.. saving, "steps=4", "scheduler.params.total_num_steps=6"]);
        var goesOn = new TrainingOptions { Resume = ResumePlan.Auto };
        await Trainer.RunAsync(parts.Configure(text, [.. saving, "steps=100"]), goesOn, parts.Observer);
        Assert.Equal(Rates(ends), Rates(parts));

        static double[] Rates(Run run) => [.. run.Metrics.Select(line => line.GetProperty("learning_rate").GetDouble())];
    }

    [Fact]
    public async Task TextThatEndsBeforeTheScheduleCan_IsRefused()
    {
        var run = new Run(_folder, "short");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => run.TrainAsync(
            Write("text.txt", 31, 0), "ranks=2", "steps=100", "data.epochs=1", "scheduler={\"type\": \"WarmupStableDecayLR\", \"params\": {\"warmup_num_steps\": 1, \"decay_num_steps\": 3}}", Timeout));
        Assert.Contains(
            "'scheduler.params.warmup_num_steps' 1 and 'scheduler.params.decay_num_steps' 3 are together more than the 3 steps after which 'data.epochs' ends the run; lower either or raise the last",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EpochsThatOutlastTheSteps_ChangeNothing()
    {
        var text = Write("text.txt", 31, 0);
        var (endless, ends) = (new Run(_folder, "endless"), new Run(_folder, "ends"));
        await endless.TrainAsync(text, "gradient_accumulation_steps=3");
        await ends.TrainAsync(text, "gradient_accumulation_steps=3", "data.epochs=2");
        Assert.Equal(3, ends.Losses.Length);
        Assert.Equal(endless.ModelBytes, ends.ModelBytes);
        Assert.Equal(endless.Losses, ends.Losses);
    }

    // Ranks of 9, 6 and 3 samples, 2 of each a step and two epochs: 9 steps, of which rank 2 has 3 and rank 1 has 6. It stops where one rank and then where two have run out.
    [Theory]
    [InlineData(4, "skip")]
    [InlineData(7, "pad")]
    public async Task StoppedAndResumed_IsTheRunThatNeverStopped(int after, string mode)
    {
        for (var rank = 0; rank < 3; rank++)
            Write(Path.Combine("text", $"{rank}.txt"), 9 - (3 * rank), rank);
        string[] settings =
        [
            "ranks=3", "train_batch_size=6", "data.shard_by=files", "data.epochs=2", $"data.uneven_inputs={mode}", "data.shuffle=true", "model.dropout=0.1",
            "zero_optimization.stage=2", "checkpoint.every_steps=1000", Timeout,
        ];
        var (whole, parts) = (new Run(_folder, "whole"), new Run(_folder, "parts"));
        Assert.Equal(9, (await whole.TrainAsync(_folder.At("text"), [.. settings, "steps=1000"])).StepsDone);
        Assert.Equal(after, (await parts.TrainAsync(_folder.At("text"), [.. settings, $"steps={after}"])).StepsDone);
        var options = new TrainingOptions { Resume = ResumePlan.Auto };
        string[] later = [.. settings, "steps=1000"];
        var resumed = await Trainer.RunAsync(parts.Configure(_folder.At("text"), later), options, parts.Observer);
        Assert.All(parts.Reports.Skip(after), report => Assert.Equal(9, report.Steps));
        Assert.Equal(TimeSpan.Zero, parts.Reports[^1].TimeLeft);

        // The text's end is an end like the last step: it is saved.
        Assert.Equal((9, after, true), (resumed.StepsDone, resumed.ResumedFrom, resumed.Checkpoint?.EndsWith("step-000009", StringComparison.Ordinal)));
        Assert.Equal(whole.ModelBytes, parts.ModelBytes);
        Assert.Equal(whole.Losses, parts.Losses);
        Assert.Equal(Column(whole), Column(parts));
        Assert.Equal(2 * 18 * Length, Column(whole)[^1]);

        var error = await Assert.ThrowsAsync<ConfigurationException>(
            () => Trainer.RunAsync(parts.Configure(_folder.At("text"), [.. later, "ranks=2"]), options, new Silent()));
        Assert.Contains("'data.shard_by' \"files\" and 'ranks' 3, the run has \"files\" and 2: which rank has read what would not be known", error.Message, StringComparison.Ordinal);

        static long[] Column(Run run) => [.. run.Metrics.Select(line => line.GetProperty("tokens").GetInt64())];
    }

    private sealed class Silent : ITrainingObserver;

    [Fact]
    public void ModeWithoutAnEnd_IsRefused() => Assert.Contains(
        "'data.uneven_inputs' would have no effect: it belongs to data.epochs above 0; remove it",
        Assert.Throws<ConfigurationException>(() => new Run(_folder, "run").Configure("x", "data.uneven_inputs=stop")).Message, StringComparison.Ordinal);

    [Fact]
    public async Task FewerFilesThanRanks_AreRefused_BeforeAnythingIsWritten()
    {
        var text = Write("text.txt", 31, 0);
        var run = new Run(_folder, "run");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => run.TrainAsync(text, "data.shard_by=files"));
        Assert.Contains("has 1 files for 2 ranks; give each rank at least one, or leave 'data.shard_by' out", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder));
    }

    private string Write(string name, int samples, int seed)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.At(name))!);
        return _folder.Write(name, string.Concat(Enumerable.Range(0, (samples * Length) + 1).Select(i => (char)('a' + (((i * 7) + (i / 5) + seed) % 23)))));
    }
}
