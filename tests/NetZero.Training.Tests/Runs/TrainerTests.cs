using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Training.Tests;

/// <summary>Whole runs from a configuration to files, with PyTorch's small run as the model and the text.</summary>
public sealed class TrainerTests : IDisposable
{
    private static readonly Gpt2TinyFixture Fixture = Fixtures.Gpt2Tiny;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static RunConfiguration Configure(string output, params string[] overrides) => RunConfiguration.Parse(
        $$"""
        {
          "init_from": {{JsonSerializer.Serialize(Fixture.Folder)}},
          "data": { "train": {{JsonSerializer.Serialize(Fixture.TextPath)}} },
          "train_batch_size": {{Fixture.Run.GlobalBatch}},
          "optimizer": {
            "type": "AdamW",
            "params": { "lr": {{Fixture.Run.Lr}}, "betas": [{{Fixture.Run.Betas[0]}}, {{Fixture.Run.Betas[1]}}], "eps": {{Fixture.Run.Eps}},
                        "weight_decay": {{Fixture.Run.WeightDecay}} }
          },
          "gradient_clipping": {{Fixture.Run.Clip}},
          "zero_optimization": { "stage": 3 },
          "ranks": 2, "threads_per_rank": 1, "steps": 4,
          "output_dir": {{JsonSerializer.Serialize(output)}}
        }
        """,
        overrides);

    private Task<RunSummary> TrainAsync(string name, params string[] overrides) =>
        Trainer.RunAsync(Configure(_folder.At(name), overrides), new TrainingOptions(), new Silent());

    private JsonElement[] Metrics(string name) =>
        [.. File.ReadLines(_folder.At($"{name}/metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];

    private double[] Losses(string name) => [.. Metrics(name).Select(line => line.GetProperty("loss").GetDouble())];

    private class Silent : ITrainingObserver;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(4, 2)]
    public async Task Run_FollowsPyTorch_FromTheConfigurationOn(int ranks, int stage)
    {
        await TrainAsync("run", $"ranks={ranks}", $"zero_optimization.stage={stage}");

        // The bounds of the parity that the project promises.
        var lines = Metrics("run");
        Assert.Equal(4, lines.Length);
        for (var step = 0; step < lines.Length; step++)
        {
            Assert.Equal(Fixture.Expected.Losses[step], lines[step].GetProperty("loss").GetDouble(), 5e-6);
            var norm = Fixture.Expected.GradientNorms[step];
            Assert.Equal(norm, lines[step].GetProperty("grad_norm").GetDouble(), norm * 1e-5);
        }
    }

    [Fact]
    public async Task Run_WritesItsFiles()
    {
        var summary = await TrainAsync("run");

        Assert.Equal(
            ["config.json", "memory.json", "metrics.jsonl", "model", "model/config.json", "model/model.safetensors", "model/netzero_tokenizer.json"],
            Directory.EnumerateFileSystemEntries(_folder.At("run"), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(_folder.At("run"), path).Replace('\\', '/')).Order(StringComparer.Ordinal));
        Assert.Equal(["config.json", "metrics.jsonl", "memory.json", "model"], summary.Files);

        var lines = Metrics("run");
        Assert.Equal([0, 1, 2, 3], lines.Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal([512, 1024, 1536, 2048], lines.Select(line => line.GetProperty("tokens").GetInt64()));
        Assert.All(lines, line =>
        {
            Assert.Equal(
                ["step", "loss", "grad_norm", "learning_rate", "tokens", "tokens_per_second", "step_seconds", "wait_seconds"],
                line.EnumerateObject().Select(property => property.Name));
            Assert.Equal(Fixture.Run.Lr, line.GetProperty("learning_rate").GetDouble());
        });
        Assert.Equal(Configure(_folder.At("run")).ToJson(), File.ReadAllBytes(_folder.At("run/config.json")));
    }

    [Fact]
    public async Task Run_ReportsMemoryBesideTheFormula()
    {
        var summary = await TrainAsync("run");

        using var json = JsonDocument.Parse(File.ReadAllText(_folder.At("run/memory.json")));
        var ranks = json.RootElement.GetProperty("ranks");
        Assert.Equal(2, ranks.GetArrayLength());
        foreach (var (rank, written) in summary.Memory.Zip(ranks.EnumerateArray()))
        {
            Assert.Equal(rank.Peak.Total, written.GetProperty("peak_bytes").GetProperty("total").GetInt64());
            Assert.Equal(rank.Steady[MemoryKind.Optimizer], written.GetProperty("steady_bytes").GetProperty("optimizer").GetInt64());
            Assert.Equal(rank.ModelStateBytesExpected, written.GetProperty("model_state_bytes_expected").GetInt64());
            Assert.True(rank.Peak.Total <= KindBytes.Names.Sum(kind => rank.Peak[kind.Kind]));
            Assert.Equal(rank.Steady.Total, KindBytes.Names.Sum(kind => rank.Steady[kind.Kind]));
        }
    }

    [Fact]
    public async Task Trace_HasTheEventsOfEveryRankAndStep()
    {
        await Trainer.RunAsync(Configure(_folder.At("run"), "steps=2"), new TrainingOptions { Trace = true }, new Silent());

        using var json = JsonDocument.Parse(File.ReadAllText(_folder.At("run/trace.json")));
        var events = json.RootElement.GetProperty("traceEvents").EnumerateArray().Where(e => e.GetProperty("ph").GetString() == "X").ToArray();
        var byRank = events.ToLookup(e => e.GetProperty("tid").GetInt32(), e => e.GetProperty("name").GetString()!);
        Assert.Equal([0, 1], byRank.Select(rank => rank.Key).Order());
        Assert.Equal(byRank[0], byRank[1]);
        // Two blocks and the root: each gathered for the forward, the blocks again for the backward, each reduced once a step.
        var counts = byRank[0].CountBy(name => name).ToDictionary();
        Assert.Equal(2 * 5, counts["AllGather"]);
        Assert.Equal(2 * 3, counts["ReduceScatter"]);
        foreach (var name in (string[])["Wait", "Forward", "Backward", "Release", "Update"])
            Assert.True(counts[name] >= 2, name);
        Assert.All(events, e => Assert.True(e.GetProperty("args").GetProperty("unit").GetString()!.Length > 0));
        Assert.True(events.First(e => e.GetProperty("name").GetString() == "AllGather").GetProperty("args").GetProperty("bytes").GetInt64() > 0);
    }

    [Fact]
    public async Task SavedModel_LoadsAndContinuesWithTheSameLoss()
    {
        // SGD without momentum has no state, and a text of one batch is the same in every step: nothing but the weights carries over.
        var text = _folder.Write("text", File.ReadAllBytes(Fixture.TextPath)[..(8 * 64 + 1)]);
        var settings = new[]
        {
            $"data.train={text}", "optimizer={\"type\": \"SGD\"}", "optimizer.params.lr=0.05", "optimizer.params.weight_decay=0",
        };
        RunConfiguration Sgd(string name, params string[] more) => RunConfiguration.Parse(
            """{ "data": { "train": "" }, "train_batch_size": 8, "ranks": 2, "threads_per_rank": 1 }""".Replace("\"\"", "\"x\"", StringComparison.Ordinal),
            [.. settings, $"output_dir={_folder.At(name)}", .. more]);

        await Trainer.RunAsync(Sgd("whole", $"init_from={Fixture.Folder}", "steps=6"), new TrainingOptions(), new Silent());
        await Trainer.RunAsync(Sgd("half", $"init_from={Fixture.Folder}", "steps=3"), new TrainingOptions(), new Silent());
        await Trainer.RunAsync(Sgd("rest", $"init_from={_folder.At("half/model")}", "steps=3"), new TrainingOptions(), new Silent());

        Assert.Equal(Losses("whole"), Losses("half").Concat(Losses("rest")));
        Assert.Equal(File.ReadAllBytes(_folder.At("whole/model/model.safetensors")), File.ReadAllBytes(_folder.At("rest/model/model.safetensors")));
    }

    [Fact]
    public async Task Evaluation_IsTheLossAfterTheUpdate()
    {
        // The validation text is one batch of the training text, which step 2 trains on next: what step 1 evaluates, step 2 finds as its loss.
        var text = File.ReadAllBytes(Fixture.TextPath);
        var batch = _folder.Write("batch", text[(16 * 64)..(24 * 64 + 1)]);
        await TrainAsync("run", $"data.validation={batch}", "eval_every=2");

        var lines = Metrics("run");
        Assert.Equal([false, true, false, true], lines.Select(line => line.TryGetProperty("validation_loss", out _)));
        Assert.Equal(lines[2].GetProperty("loss").GetDouble(), lines[1].GetProperty("validation_loss").GetDouble());
    }

    [Fact]
    public async Task SameRunTwice_HasTheSameBytes()
    {
        await TrainAsync("a", "data.shuffle=true", "model.dropout=0.1", "seed=5");
        await TrainAsync("b", "data.shuffle=true", "model.dropout=0.1", "seed=5");
        await TrainAsync("c", "data.shuffle=true", "model.dropout=0.1", "seed=6");

        Assert.Equal(Losses("a"), Losses("b"));
        Assert.Equal(File.ReadAllBytes(_folder.At("a/model/model.safetensors")), File.ReadAllBytes(_folder.At("b/model/model.safetensors")));
        Assert.NotEqual(Losses("a"), Losses("c"));
    }

    private sealed class CancelAfter(int step, CancellationTokenSource source) : ITrainingObserver
    {
        public RunSummary? Summary { get; private set; }

        public void OnStep(StepReport report)
        {
            if (report.Metrics.Step == step)
                source.Cancel();
        }

        public void OnEnd(RunSummary summary) => Summary = summary;
    }

    [Fact]
    public async Task CancelledRun_KeepsWhatItWrote_AndSavesNoModel()
    {
        using var source = new CancellationTokenSource();
        var observer = new CancelAfter(1, source);
        var summary = await Trainer.RunAsync(Configure(_folder.At("run"), "steps=1000"), new TrainingOptions(), observer, source.Token);

        Assert.Same(summary, observer.Summary);
        Assert.True(summary.Cancelled);
        Assert.Equal(["config.json", "metrics.jsonl", "memory.json"], summary.Files);
        Assert.Equal(summary.StepsDone, Metrics("run").Length);
        Assert.InRange(summary.StepsDone, 2, 999);
        Assert.Null(summary.Sample);
    }

    [Fact]
    public async Task InterruptDuringTheSample_LeavesItOut_AndNothingElse()
    {
        var run = Configure(_folder.At("run"), "steps=1");
        await Trainer.RunAsync(run, new TrainingOptions(), new Silent());

        Assert.NotNull((await Trainer.SampleAsync(RunFolder.OfAnotherRank(run), run, CancellationToken.None)).Text);
        Assert.Equal((null, false), await Trainer.SampleAsync(RunFolder.OfAnotherRank(run), run, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void FolderWithoutWeights_IsNotListedAsAModel()
    {
        var folder = RunFolder.Check(_folder.At("run"), overwrite: false);
        var run = Configure(_folder.At("run"));
        using var files = new RunFiles(folder, store: null, trace: false, new Silent(), writes: true);
        files.Begin(run);
        _folder.Write("run/model/config.json", "{}");
        Assert.Equal(["config.json", "metrics.jsonl"], files.Written());

        _folder.Write("run/model/model.safetensors", "");
        Assert.Equal(["config.json", "metrics.jsonl", "model"], files.Written());
    }

    [Fact]
    public void RanksWaitForOneThatWrites_LongerThanATerminalIsPaused() =>
        Assert.True(Trainer.Options(Configure("x"), Device.Cpu).Timeout >= TimeSpan.FromHours(12));

    [Fact]
    public async Task VocabularyBeyondTheTokenizers_IsPadding_ThatNoTextIsMadeOf()
    {
        var run = RunConfiguration.Parse(
            $$"""
            {
              "model": { "n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 16, "vocab_size": 5000 },
              "data": { "train": {{JsonSerializer.Serialize(Fixture.TextPath)}} },
              "train_batch_size": 1, "steps": 1, "threads_per_rank": 1,
              "output_dir": {{JsonSerializer.Serialize(_folder.At("run"))}}
            }
            """);

        // Untrained, all 5,000 rows are about as likely: without care nearly every token of the sample would be no byte.
        Assert.NotEmpty((await Trainer.RunAsync(run, new TrainingOptions(), new Silent())).Sample!);
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "data.train=no/such", "'data.train': 'no/such' not found" },
        { "ranks=161 train_batch_size=161", "has 160 samples of 64 tokens, fewer than the 161 ranks" },
        { "model.n_embd=128", "'wte.weight' has shape [256, 64], expected [256, 128]" },
        { "memory_budget=100KB", "The memory budget of 100,000 bytes per rank does not hold" },
        { "init_from=DAMAGED", "the file is truncated" },
        { "output_dir=FILE/run", "is not writable" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task Mistake_IsFoundBeforeAnythingIsWritten(string settings, string problem)
    {
        var file = _folder.Write("file", "x");
        _folder.Write("damaged/config.json", File.ReadAllBytes(Path.Combine(Fixture.Folder, "config.json")));
        _folder.Write("damaged/model.safetensors", File.ReadAllBytes(Path.Combine(Fixture.Folder, "model.safetensors"))[..5000]);
        var overrides = settings.Replace("DAMAGED", _folder.At("damaged"), StringComparison.Ordinal)
            .Replace("FILE", file, StringComparison.Ordinal).Split(' ');

        var error = await Assert.ThrowsAnyAsync<Exception>(() => TrainAsync("run", overrides));

        Assert.True(error is ConfigurationException or CheckpointFormatException or MemoryBudgetExceededException, error.ToString());
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(Directory.Exists(_folder.At("run")));
    }
}
