using NetZero.Checkpoints;
using NetZero.Testing;
using NetZero.Training;

namespace NetZero.Stores.Tests;

/// <summary>Runs that send their checkpoints to a store and go on from there.</summary>
public sealed class StoreTrainingTests : IDisposable
{
    private const string Place = "s3://bucket/runs/a";

    private const string Configuration = """
        {
          "model": { "n_layer": 2, "n_head": 3, "n_embd": 30, "n_positions": 16, "dropout": 0.1 },
          "data": { "train": "x", "seq_len": 13, "shuffle": true },
          "train_batch_size": 12, "steps": 6, "ranks": 2, "threads_per_rank": 1,
          "optimizer": { "params": { "lr": 1e-2 } },
          "checkpoint": { "every_steps": 2 }
        }
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("netzero-tests-").FullName;
    private readonly FakeS3 _server = new() { PageEntries = 2, LeastPartBytes = 1 };
    private readonly string _text;

    public StoreTrainingTests()
    {
        _text = At("text");
        File.WriteAllText(_text, string.Concat(Enumerable.Range(0, 700).Select(i => $"{i * i % 311} ")));
    }

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 2)]
    public async Task RunThatGoesOnElsewhere_FromTheStoreAlone_IsTheRunThatNeverStopped(bool beside, int processes)
    {
        string[] settings = ["zero_optimization.stage=3", $"checkpoint.async={(beside ? "true" : "false")}", "checkpoint.keep_last=1", $"checkpoint.store={Place}"];
        await TrainAsync("whole", null, "zero_optimization.stage=3", "checkpoint={}");
        var (first, events) = await TrainAsync("here", null, processes, stopAfter: 3, settings);
        Assert.True(first.Stopped);
        Assert.Equal([3L], Store().Steps());
        Assert.Equal([(2, "s3://bucket/runs/a/step-000002", null), (3, "s3://bucket/runs/a/step-000003", null)], events.Saves.Select(s => (s.Step, s.Stored, s.Failure)));

        // Another machine has nothing but the store. Its ranks ask for the bytes that they store, each once, and for what says where these are.
        using var reader = CheckpointReader.Open(Store().Files(3));
        var (manifest, sent) = (_server.Objects["runs/a/step-000003/checkpoint.json"].Length, _server.BytesSent);
        var (second, resumed) = await TrainAsync("there", "auto", processes, stopAfter: 0, [.. settings, "checkpoint.every_steps=0", "checkpoint.every_minutes=1000"]);
        Assert.Equal((3, 6), (second.ResumedFrom!.Value, second.StepsDone));
        Assert.Equal("s3://bucket/runs/a/step-000003", resumed.Resumed!.Checkpoint);
        var readers = processes > 0 ? processes : 2;
        Assert.Equal(reader.Manifest.StateBytes() + reader.Manifest.Files.Sum(f => f.HeaderBytes) + ((readers + 0L) * manifest), _server.BytesSent - sent);
        Assert.Equal(Weights("whole"), Weights("there"));
        Assert.Equal([6L], Store().Steps());
        Assert.Equal(0, _server.OpenUploads);
    }

    [Fact]
    public async Task DamageInTheStore_IsNamed_TheOneBeforeServes_AtAnotherWorld()
    {
        await TrainAsync("here", null, $"checkpoint.store={Place}");
        Assert.Equal([6L, 4, 2], Store().Steps());
        _server.Objects["runs/a/step-000006/rank-00001.safetensors"][^1] ^= 1;

        var (summary, events) = await TrainAsync("there", Place, "ranks=3", $"checkpoint.store={Place}");
        Assert.Equal(4, summary.ResumedFrom);
        Assert.StartsWith("s3://bucket/runs/a/step-000006/rank-00001.safetensors: tensor '", Assert.Single(events.Resumed!.PassedOver), StringComparison.Ordinal);
        Assert.Equal([6L, 4, 2], Store().Steps());
        using var reader = CheckpointReader.Open(Store().Files(6));
        reader.Verify(Assert.Fail);
        Assert.Equal(3, reader.Manifest.World.Ranks);

        // One checkpoint by its name, for a run that keeps none in a store.
        (summary, _) = await TrainAsync("from two", $"{Place}/step-000002");
        Assert.Equal((2, 6), (summary.ResumedFrom!.Value, summary.StepsDone));
        Assert.Equal(Weights("here"), Weights("from two"));
        _server.Objects["runs/a/step-000002/checkpoint.json"][9] ^= 1;
        await Assert.ThrowsAsync<CheckpointException>(() => TrainAsync("from damage", $"{Place}/step-000002"));
        Assert.False(Directory.Exists(At("from damage")));
    }

    [Fact]
    public async Task NewerInTheStore_ServesBeforeTheFolder_AndDamageInTheFolderIsSetAside()
    {
        await TrainAsync("here", null, $"checkpoint.store={Place}");
        var folder = new CheckpointFolder(Path.Combine(At("here"), "checkpoints"));
        File.WriteAllText(Path.Combine(folder.Of(6), "checkpoint.json"), "{}");
        var (summary, events) = await TrainAsync("here", "auto", $"checkpoint.store={Place}", "steps=8");
        Assert.Equal(("s3://bucket/runs/a/step-000006", 8), (events.Resumed!.Checkpoint, summary.StepsDone));
        Assert.Single(events.Resumed.PassedOver);
        Assert.True(Directory.Exists(Path.Combine(folder.FullPath, "aside-step-000006")));
        Assert.Equal([8L, 4, 2], folder.Steps());

        // Back to an earlier one: what comes after it is none of the run's any more, here and there.
        (summary, _) = await TrainAsync("here", folder.Of(4), $"checkpoint.store={Place}", "steps=4");
        Assert.Equal((4, 4), (summary.ResumedFrom!.Value, summary.StepsDone));
        Assert.Equal([4L, 2], Store().Steps());
        Assert.Contains("runs/a/step-000008/aside.json", _server.Objects.Keys);
    }

    [Fact]
    public async Task StoreThatRefuses_IsReported_AndTrainingGoesOn_UnlessItIsToEnd()
    {
        _server.Faults = request => request.StartsWith("PUT", StringComparison.Ordinal) || request.StartsWith("POST", StringComparison.Ordinal) ? Fault.Denied : Fault.None;
        var (summary, events) = await TrainAsync("here", null, $"checkpoint.store={Place}", "checkpoint.async=true");
        Assert.Equal(6, summary.StepsDone);
        Assert.Equal([2L, 4, 6], events.Saves.Select(s => s.Step));
        Assert.All(events.Saves, s => Assert.Equal((true, null, "it was saved, but could not be sent: s3://bucket/runs/a/: AccessDenied, AccessDenied"), (s.StoreFailed, s.Stored, s.Failure)));
        Assert.Equal([6L, 4, 2], new CheckpointFolder(Path.Combine(At("here"), "checkpoints")).Steps());

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => TrainAsync("ends", null, $"checkpoint.store={Place}", "checkpoint.stop_on_failure=true"));
        Assert.Contains("the checkpoint of step 2 is not where it should be: it was saved, but could not be sent", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal([2L], new CheckpointFolder(Path.Combine(At("ends"), "checkpoints")).Steps());

        // What the store has missed is sent when the run goes on, although no step is left.
        _server.Faults = _ => Fault.None;
        (_, events) = await TrainAsync("here", "auto", $"checkpoint.store={Place}");
        Assert.Equal((6, "s3://bucket/runs/a/step-000006"), (Assert.Single(events.Saves).Step, events.Saves[0].Stored));
        Assert.Equal([6L], Store().Steps());
    }

    [Fact]
    public async Task StoreOfAnotherRun_IsLeftAlone_UnlessItIsToBeReplaced()
    {
        await TrainAsync("here", null, $"checkpoint.store={Place}");
        var taken = await Assert.ThrowsAsync<ConfigurationException>(() => TrainAsync("other", null, $"checkpoint.store={Place}", "steps=2"));
        Assert.Equal(
            "'checkpoint.store' s3://bucket/runs/a/ already holds checkpoints, up to step 6; go on from them with --resume, name another place, or replace them with --overwrite", taken.Message);
        Assert.False(Directory.Exists(At("other")));
        Assert.Equal([6L, 4, 2], Store().Steps());
        await Trainer.RunAsync(Configure("other", $"checkpoint.store={Place}", "steps=2"), new TrainingOptions { Overwrite = true, Stores = Open }, new Events(0, null));
        Assert.Equal([2L], Store().Steps());
    }

    [Theory]
    [InlineData("checkpoint.store=folder", "'checkpoint.store' is 'folder', expected a place in an object store such as s3://BUCKET/PREFIX")]
    [InlineData("checkpoint.store=gs://b/x", "'checkpoint.store': 'gs://b/x' is no place in an object store")]
    [InlineData("checkpoint.store=s3://b/x/step-000005", "'checkpoint.store' is 's3://b/x/step-000005', which is one checkpoint")]
    public async Task Mistake_IsOneLine_AndNothingIsWritten(string setting, string problem)
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => TrainAsync("here", null, setting));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("here")));
    }

    [Fact]
    public async Task StoreThatIsNotThere_IsAMistake_BeforeAnythingIsWritten()
    {
        _server.Dispose();
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => TrainAsync("here", null, $"checkpoint.store={Place}"));
        Assert.StartsWith("'checkpoint.store': s3://bucket/runs/a/: ", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("here")));
        error = await Assert.ThrowsAsync<ConfigurationException>(() => TrainAsync("here", Place));
        Assert.StartsWith("--resume: s3://bucket/runs/a/: ", error.Message, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_root, name);

    private byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(At(name), "model", "model.safetensors"));

    private S3CheckpointStore Store() => (S3CheckpointStore)Open(Place).Store;

    private (ICheckpointStore Store, long? Step) Open(string path)
    {
        // What the path means is the store's business; the client is one with little patience.
        var (store, step) = S3CheckpointStore.Split(S3Location.Parse(path));
        return (_server.Store(store.Prefix.TrimEnd('/'), partBytes: 4000, retries: 2), step);
    }

    private RunConfiguration Configure(string name, params string[] overrides) => RunConfiguration.Parse(Configuration, [$"data.train={_text}", $"output_dir={At(name)}", .. overrides]);

    private Task<(RunSummary Summary, Events Events)> TrainAsync(string name, string? resume, params string[] overrides) => TrainAsync(name, resume, 0, 0, overrides);

    private async Task<(RunSummary Summary, Events Events)> TrainAsync(string name, string? resume, int processes, int stopAfter, string[] overrides)
    {
        using var stop = new CancellationTokenSource();
        var events = new Events(stopAfter, stop);
        var run = Configure(name, overrides);
        var options = new TrainingOptions { Resume = resume, Stop = stop.Token, Stores = Open };
        if (processes == 0)
            return (await Trainer.RunAsync(run, options, events), events);
        var meeting = At($"meeting-{Guid.NewGuid():N}");
        var runs = Enumerable.Range(0, processes).Select(rank => Task.Run(() => Trainer.RunAsync(
            run, options with { Worker = SharedRanks.Worker(rank, processes, meeting) }, rank == 0 ? events : new Events(0, null))));
        return ((await Task.WhenAll(runs))[0], events);
    }

    private sealed class Events(int stopAfter, CancellationTokenSource? stop) : ITrainingObserver
    {
        public ResumeReport? Resumed { get; private set; }

        public List<SaveReport> Saves { get; } = [];

        public void OnResume(ResumeReport report) => Resumed = report;

        public void OnCheckpoint(SaveReport report) => Saves.Add(report);

        // Ranks agree on the stop before this is called: it is heard after the step that follows.
        public void OnStep(StepReport report)
        {
            if (report.Metrics.Step == stopAfter - 2)
                stop!.Cancel();
        }
    }
}
