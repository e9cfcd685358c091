using System.CommandLine;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench machine</c>: describes this machine for <c>netzero plan --cluster FILE</c>.</summary>
internal static class BenchMachineCommand
{
    public static Command Create(ITerminal terminal, MeasureMachine measure)
    {
        var ranks = new Option<int?>("--ranks") { Description = "Ranks that train at once; by default one alone, and one on each core.", HelpName = "N" };
        var threads = new Option<int?>("--threads") { Description = "Threads of each rank, with --ranks; by default 1.", HelpName = "N" };
        var output = new Option<string?>("--output") { Description = "Write the description here instead of printing it.", HelpName = "FILE" };
        var command = new Command("machine", "Describes this machine for the planner: a few seconds of small training steps.") { ranks, threads, output };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(ranks) is null && parsed.GetValue(threads) is not null)
                throw new ConfigurationException("--threads is the number of threads of each of --ranks ranks; give both, or neither");
            var text = ClusterCatalog.ToJson(await measure(Uses(parsed.GetValue(ranks), parsed.GetValue(threads) ?? 1), cancellation));
            if (parsed.GetValue(output) is { } path)
                await File.WriteAllTextAsync(path, text, cancellation);
            else
                terminal.Out.Write(text);
            return ExitCodes.Success;
        });
        return command;
    }

    private static IReadOnlyList<(int Ranks, int Threads)> Uses(int? ranks, int threads)
    {
        if (ranks is { } n)
            return [(BenchOptions.InRange("--ranks", n, 1, BenchOptions.MaxThreads), BenchOptions.InRange("--threads", threads, 1, BenchOptions.MaxThreads))];
        var cores = Environment.ProcessorCount;
        return cores == 1 ? [(1, 1)] : [(1, 1), (cores, 1), (1, cores)];
    }
}
