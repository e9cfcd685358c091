using NetZero.Planning;
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
        (_, _, _) => throw new InvalidOperationException("This command line starts no processes."),
        (uses, _) => Task.FromResult(Machine(uses)));

    /// <summary>A machine of two cores, measured by nobody: products at 50 GFLOP/s, memory at 10 GB/s.</summary>
    public static ClusterDescription Machine(IReadOnlyList<(int Ranks, int Threads)> uses)
    {
        var link = new LinkDescription { Origin = "made up", BytesPerSecond = 5e9, HopSeconds = 1e-6, Oversubscription = 1 };
        return new ClusterDescription
        {
            Name = "this",
            DevicesPerNode = 2,
            Inside = link,
            Network = link,
            Device = new DeviceDescription
            {
                Name = "core",
                Origin = "made up",
                IsHost = true,
                PeakFlopsPerSecond = new Dictionary<string, double> { ["fp32"] = 1e11 },
                MatmulFraction = 0.5,
                MemoryBytesPerSecond = 1e10,
                MemoryBytes = 1L << 30,
                LaunchSeconds = 1e-6,
                Uses =
                [
                    .. uses.Select(use => new DeviceUse
                    {
                        Ranks = use.Ranks,
                        Threads = use.Threads,
                        LaunchSeconds = 1e-6,
                        StepSeconds = 1e-4,
                        LoadSecondsPerToken = 5e-9,
                        Kernels = new Dictionary<string, KernelRate>
                        {
                            ["Gemm"] = new(0, 1 / 5e10, 0), ["AllGather"] = new(1e-5, 0, 1 / 5e9), ["ReduceScatter"] = new(1e-5, 0, 1 / 5e9),
                        },
                    }),
                ],
            },
        };
    }
}
