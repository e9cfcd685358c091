using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli.Tests;

/// <summary>What a trainer reports, written by hand.</summary>
internal static class Reports
{
    private static readonly KindBytes Peak = new([1 << 20, 2 << 20, 3 << 20, 4 << 20, 5 << 20, 0, 7 << 20, 0], 21 << 20);

    public static readonly RunSummary Summary = new()
    {
        OutputDirectory = "/runs/x",
        Files = ["config.json", "metrics.jsonl", "memory.json", "model/"],
        StepsDone = 2,
        Steps = 2,
        FirstLoss = 5.5,
        LastLoss = 2.25,
        UnigramEntropy = 3.125,
        TokensPerSecond = 2205.4,
        Seconds = 61,
        Memory =
        [
            new RankMemory(0, Peak, new KindBytes([1 << 20, 0, 1 << 20, 2 << 20, 0, 0, 0, 0], 4 << 20), 4 << 20),
            new RankMemory(1, new KindBytes([1, 2, 3, 4, 5, 6, 7, 0], 28), new KindBytes([1, 0, 1, 2, 0, 0, 0, 0], 4), 4),
        ],
        Sample = "the\nend\u001b[2J",
    };

    public static StepReport Step(int step, double loss) => new(
        new StepMetrics(step, loss, 1.25, 0.0003, 512, 2205.4, 0.25), 2, [Peak, Peak], TimeSpan.FromSeconds(83));

    public static RunStart Start(RunConfiguration configuration) => new(
        configuration, "/runs/x", 10_750_000, 1_234_567, 4822, [new SkippedPath("/a/bin", "build output"), new SkippedPath("/a/x.png", "binary")]);

    /// <summary>Tells an observer of a run of two steps.</summary>
    public static Task<RunSummary> Play(
        RunConfiguration configuration, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation)
    {
        observer.OnStart(Start(configuration));
        observer.OnStep(Step(0, 5.5));
        observer.OnEvaluation(new EvaluationReport(1, 4.5, 1));
        observer.OnStep(Step(1, 2.25));
        observer.OnEnd(Summary);
        return Task.FromResult(Summary);
    }

    /// <summary>The run above, and nothing for the other verbs.</summary>
    public static Engines Engines { get; } = new(
        Play,
        (_, _, _) => throw new InvalidOperationException("This command line generates nothing."),
        (_, _, _) => throw new InvalidOperationException("This command line measures nothing."),
        (_, _, _) => throw new InvalidOperationException("This command line starts no processes."));
}
