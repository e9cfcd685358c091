using NetZero.Checkpoints;
using NetZero.Tensors;
using NetZero.Testing;
using NetZero.Training.Tests.EndToEnd;

namespace NetZero.Training.Tests.Checkpoints;

/// <summary>Runs with all that a resumed one could get wrong: dropout, accumulation, warm-up, shuffling, evaluation.</summary>
internal sealed class CheckpointRun(TemporaryFolder folder)
{
    public const int Steps = 6;

    private static readonly string[] Settings =
    [
        $"steps={Steps}", "model.dropout=0.1", "data.shuffle=true", "gradient_accumulation_steps=2", "gradient_clipping=0.5", "eval_every=2", "seed=3",
        "scheduler={\"type\": \"WarmupDecayLR\", \"params\": {\"warmup_num_steps\": 4}}",
    ];

    /// <summary>What the ranks compute on.</summary>
    public Device Device { get; init; } = Device.Cpu;

    public string Text { get; } = folder.Write("text", string.Concat(Enumerable.Range(0, 700).Select(i => $"{i * i % 311} ")));

    public Run At(string name) => new(folder, name);

    public RunConfiguration Configure(string name, params string[] overrides) =>
        At(name).Configure(Text, [.. Settings, $"data.validation={folder.Write("validation", "17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97")}", .. overrides]);

    /// <summary>Trains, and asks to stop so that <paramref name="stopAfter"/> steps are done; 0 lets it end by itself.</summary>
    public async Task<(RunSummary Summary, Events Events)> TrainAsync(string name, string? resume, int stopAfter, params string[] overrides)
    {
        using var stop = new CancellationTokenSource();
        var events = new Events(stopAfter, stop);
        var summary = await Trainer.RunAsync(Configure(name, overrides), new TrainingOptions { Resume = resume, Stop = stop.Token, Device = Device }, events);
        return (summary, events);
    }

    /// <summary>The same with ranks that meet as processes do.</summary>
    public async Task<RunSummary> TrainInProcessesAsync(string name, int ranks, string? resume, int stopAfter, params string[] overrides)
    {
        using var stop = new CancellationTokenSource();
        var configuration = Configure(name, [$"ranks={ranks}", .. overrides]);
        var meeting = folder.At($"meeting-{Guid.NewGuid():N}");
        var runs = Enumerable.Range(0, ranks).Select(rank => Task.Run(() => Trainer.RunAsync(
            configuration,
            // One rank alone is asked to stop; it is not the one that writes.
            new TrainingOptions { Resume = resume, Worker = SharedRanks.Worker(rank, ranks, meeting), Stop = rank == ranks - 1 ? stop.Token : default },
            rank == 0 ? new Events(stopAfter, stop) : new Events(0, stop))));
        return (await Task.WhenAll(runs))[0];
    }

    /// <summary>Two runs have the same lines, wall times aside, and the same model.</summary>
    public void AssertSame(string expected, string actual)
    {
        Assert.Equal(Lines(expected), Lines(actual));
        Assert.Equal(At(expected).ModelBytes, At(actual).ModelBytes);
    }

    public string[] Lines(string name) => [.. At(name).Metrics.Select(line => string.Join(", ", line.EnumerateObject().Where(p => p.Name is not ("tokens_per_second" or "step_seconds" or "wait_seconds"))))];

    public CheckpointFolder Checkpoints(string name) => new(Path.Combine(At(name).Folder, "checkpoints"));

    internal sealed class Events(int stopAfter, CancellationTokenSource stop) : ITrainingObserver
    {
        public ResumeReport? Resumed { get; private set; }

        public List<SaveReport> Saves { get; } = [];

        public List<string> Notices { get; } = [];

        public Action<int>? OnStepDone { get; init; }

        public Action? OnStarted { get; init; }

        public void OnStart(RunStart start) => OnStarted?.Invoke();

        public void OnNotice(string notice) => Notices.Add(notice);

        public void OnResume(ResumeReport report) => Resumed = report;

        public void OnCheckpoint(SaveReport report) => Saves.Add(report);

        // Ranks agree on the stop before this is called: it is heard after the step that follows.
        public void OnStep(StepReport report)
        {
            OnStepDone?.Invoke(report.Metrics.Step);
            if (report.Metrics.Step == stopAfter - 2)
                stop.Cancel();
        }
    }
}
