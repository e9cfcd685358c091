using System.Diagnostics;
using System.Globalization;
using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Launch;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>A way in which ranks exchange data, as it is measured.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="SharesMemory">Whether the ranks read and write each other's memory, so that bytes in memory say how good it is.</param>
/// <param name="Missing">Why this machine does not have it; null when it does.</param>
/// <param name="RunAsync">Measures it.</param>
internal sealed record CollectiveTransport(
    string Name, bool SharesMemory, Func<string?> Missing, Func<CollectiveBenchmarkOptions, Action<CollectiveTiming>, CancellationToken, Task> RunAsync);

/// <summary>All of them.</summary>
internal static class CollectiveTransports
{
    public static IReadOnlyList<CollectiveTransport> All { get; } =
    [
        new("threads", true, () => null, RunThreadsAsync),
        new("shared-memory", true, () => null, RunProcessesAsync),
        Mpi("open-mpi", MpiFlavor.OpenMpi),
        Mpi("mpich", MpiFlavor.Mpich),
    ];

    private static CollectiveTransport Mpi(string name, MpiFlavor flavor) => new(
        name, false, () => MpiStarter.Find(flavor) is null ? "no mpirun with its library on this machine" : null,
        (options, onTiming, cancellation) => RunMpiAsync(flavor, options, onTiming, cancellation));

    private static Task RunThreadsAsync(CollectiveBenchmarkOptions options, Action<CollectiveTiming> onTiming, CancellationToken cancellation) => World.RunAsync(
        options.Ranks, rank =>
        {
            CollectiveBenchmark.Run(rank, options.Operations, BenchCollectivesCommand.Sizes(options.MostMebibytes), options.Seconds, rank.Rank == 0 ? onTiming : static _ => { });
            return Task.CompletedTask;
        }, new WorldOptions { Tensors = new TensorContextOptions { Threads = 1 } }, cancellation);

    private static async Task RunProcessesAsync(CollectiveBenchmarkOptions options, Action<CollectiveTiming> onTiming, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("netzero-bench-").FullName;
        try
        {
            var (program, arguments) = Launching.ThisTool();
            var launch = new LaunchOptions
            {
                Processes = options.Ranks,
                Program = program,
                Arguments = [.. arguments, .. Verb(options)],
                LogFolder = folder,
                ReportFolder = folder,
            };
            var failure = await Launcher.RunAsync(launch, line => Take(line.Text, onTiming), cancellation);
            if (failure is not null)
                throw new ConfigurationException($"shared memory cannot be measured: {failure.Reason.ReplaceLineEndings(" ")}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunMpiAsync(MpiFlavor flavor, CollectiveBenchmarkOptions options, Action<CollectiveTiming> onTiming, CancellationToken cancellation)
    {
        var (program, arguments) = Launching.ThisTool();
        using var process = Process.Start(MpiStarter.Start(MpiStarter.Find(flavor)!, flavor, options.Ranks, [program, .. arguments, .. Verb(options)]))!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
                Take(line, onTiming);
            await process.WaitForExitAsync(cancellation);
            if (process.ExitCode != 0)
                throw new ConfigurationException($"{flavor} cannot be measured: {(await errors).ReplaceLineEndings(" ").Trim()}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static string[] Verb(CollectiveBenchmarkOptions options) =>
    [
        "bench", "collectives", "--max-mebibytes", options.MostMebibytes.ToString(CultureInfo.InvariantCulture),
        "--seconds", options.Seconds.ToString(CultureInfo.InvariantCulture), .. options.All ? (string[])["--all"] : [],
    ];

    private static void Take(string line, Action<CollectiveTiming> onTiming)
    {
        if (CollectiveTimingJson.TryRead(line) is { } timing)
            onTiming(timing);
    }
}
