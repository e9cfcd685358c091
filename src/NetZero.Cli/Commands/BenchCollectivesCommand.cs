using System.CommandLine;
using NetZero.Collectives;
using NetZero.Collectives.Mpi;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench collectives</c>: times collectives on threads, in shared memory and over MPI, one after another.</summary>
internal static class BenchCollectivesCommand
{
    // 4 KiB to 256 MiB in steps of four, as others measure.
    private const int SmallestBytes = 4096;

    public static Command Create(ITerminal terminal)
    {
        var ranks = BenchOptions.Number("--ranks", "How many ranks.", 2);
        var most = BenchOptions.Number("--max-mebibytes", "The largest message; the smallest has 4 KiB, and each is four times the one before.", 256);
        var seconds = BenchOptions.Seconds(0.5);
        var transport = new Option<string?>("--transport")
        {
            Description = "One of them instead of all that this machine has.",
            HelpName = string.Join('|', CollectiveTransports.All.Select(one => one.Name)),
        };
        var all = new Option<bool>("--all") { Description = "Beside what training steps are made of also broadcast, all-to-all, send, scalars and barrier." };
        var json = BenchOptions.Json();
        var command = new Command("collectives", "Collectives between ranks: threads, shared memory, Open MPI, MPICH.") { ranks, most, seconds, all, transport, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new CollectiveBenchmarkOptions(
                BenchOptions.InRange(ranks, parsed, 1, BenchOptions.MaxThreads), BenchOptions.InRange(most, parsed, 1, 1 << 20), BenchOptions.Positive(seconds, parsed),
                parsed.GetValue(all));
            if (WorkerEnvironment.Detect() is { } worker)
            {
                await RunRankAsync(terminal, worker, options, cancellation);
                return ExitCodes.Success;
            }

            var only = parsed.GetValue(transport);
            var chosen = only is null ? CollectiveTransports.All : [.. CollectiveTransports.All.Where(one => one.Name == only)];
            if (chosen.Count == 0)
                throw new ConfigurationException($"--transport is '{only}'; expected one of {string.Join(", ", CollectiveTransports.All.Select(one => one.Name))}");
            await RunAllAsync(terminal, chosen, options, parsed.GetValue(json), only is not null, cancellation);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Sizes of messages in bytes.</summary>
    public static IReadOnlyList<long> Sizes(int mostMebibytes)
    {
        var sizes = new List<long>();
        for (long size = SmallestBytes; size <= (long)mostMebibytes << 20; size *= 4)
            sizes.Add(size);
        return sizes;
    }

    private static async Task RunRankAsync(ITerminal terminal, WorkerEnvironment worker, CollectiveBenchmarkOptions options, CancellationToken cancellation)
    {
        var world = new WorldOptions { Tensors = new TensorContextOptions { Threads = 1 } };
        if (worker.UsesMpi)
            await MpiWorld.RunAsync(worker, Program, world, cancellation);
        else
            await ProcessWorld.RunAsync(worker, Program, world, cancellation);

        Task Program(RankContext rank)
        {
            CollectiveBenchmark.Run(rank, options.Operations, Sizes(options.MostMebibytes), options.Seconds, timing =>
            {
                if (rank.Rank == 0)
                    CollectiveTimingJson.WriteLine(terminal.Out, timing);
            });
            return Task.CompletedTask;
        }
    }

    private static async Task RunAllAsync(
        ITerminal terminal, IReadOnlyList<CollectiveTransport> transports, CollectiveBenchmarkOptions options, bool json, bool isNeeded, CancellationToken cancellation)
    {
        if (!json)
            terminal.Out.WriteLine($"{"",-15} {"",-14} {"message",10} {"median us",11} {"fastest us",11} {"GB/s",8} {"memory GB/s",12}");
        foreach (var transport in transports)
        {
            if (transport.Missing() is { } missing)
            {
                if (isNeeded)
                    throw new ConfigurationException($"--transport {transport.Name}: {missing}");
                if (!json)
                    terminal.Out.WriteLine($"{transport.Name,-15} {missing}");
                continue;
            }

            await transport.RunAsync(options, timing =>
            {
                if (json)
                    CollectiveTimingJson.WriteLine(terminal.Out, timing, transport.Name);
                else
                    terminal.Out.WriteLine(FormattableString.Invariant(
                        $"{transport.Name,-15} {timing.Operation,-14} {ByteSize.Show(timing.Bytes),10} {1e6 * timing.Seconds,11:N1} {1e6 * timing.FastestSeconds,11:N1} {timing.AlgorithmBandwidth,8:N2} ")
                        + (transport.SharesMemory && CollectiveBenchmark.OfTraining.Contains(timing.Operation) ? FormattableString.Invariant($"{timing.MemoryBandwidth,12:N1}") : ""));
                terminal.Out.Flush();
            }, cancellation);
        }
    }
}

/// <summary>What is measured.</summary>
/// <param name="Ranks">How many ranks.</param>
/// <param name="MostMebibytes">The largest message.</param>
/// <param name="Seconds">The time for each operation and size.</param>
/// <param name="All">Whether every operation is, or those of training.</param>
internal sealed record CollectiveBenchmarkOptions(int Ranks, int MostMebibytes, double Seconds, bool All)
{
    public IReadOnlyList<CollectiveOperation> Operations => All ? CollectiveBenchmark.All : CollectiveBenchmark.OfTraining;
}
