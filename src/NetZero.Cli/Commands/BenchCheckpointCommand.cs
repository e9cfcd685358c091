using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench checkpoint</c>: measures saving and loading, or what a save costs the steps beside it.</summary>
internal static class BenchCheckpointCommand
{
    private const int DefaultRanks = 2;

    public static Command Create(ITerminal terminal)
    {
        var folder = new Option<string>("--dir")
        {
            Description = "The folder to write to and read from.",
            HelpName = "DIR",
            DefaultValueFactory = _ => ".",
        };
        var layers = BenchOptions.Number("--layers", "Blocks of the model.", 12);
        var hidden = BenchOptions.Number("--hidden", "Its hidden size, a multiple of 64.", 768);
        var beside = new Option<bool>("--async")
        {
            Description = "What an asynchronous save costs training beside it, with --ranks ranks of one thread each, instead.",
        };
        var ranks = new Option<int?>("--ranks")
        {
            Description = $"How many ranks train, with --async. Default: {DefaultRanks}.",
            HelpName = "N",
        };
        var json = BenchOptions.Json();
        var command = new Command("checkpoint", "Saving and loading a GPT-2 with AdamW on one rank, beside the disk.")
        {
            folder, layers, hidden, beside, ranks, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var dir = parsed.GetValue(folder)!;
            var blocks = BenchOptions.InRange(layers, parsed, 1, int.MaxValue);
            var size = BenchOptions.InRange(hidden, parsed, 64, int.MaxValue);
            if (size % 64 != 0)
                throw new ConfigurationException($"--hidden is {size}; expected a multiple of 64");
            if (parsed.GetValue(ranks) is not null && !parsed.GetValue(beside))
                throw new ConfigurationException("--ranks would have no effect: it belongs to --async; remove it");
            var count = BenchOptions.InRange(ranks.Name, parsed.GetValue(ranks) ?? DefaultRanks, 1, BenchOptions.MaxThreads);
            var lines = parsed.GetValue(beside)
                ? await AsyncSaveBenchmark.RunAsync(dir, blocks, size, count, cancellation)
                : await CheckpointBenchmark.RunAsync(dir, blocks, size, cancellation);
            if (parsed.GetValue(json))
                BenchLines.WriteJson(terminal.Out, "checkpoint", threads: 1, lines);
            else
                BenchLines.WriteText(terminal.Out, lines);
            return ExitCodes.Success;
        });
        return command;
    }
}
