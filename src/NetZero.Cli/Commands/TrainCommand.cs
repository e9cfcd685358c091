using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero train</c>: trains a model as a configuration says.</summary>
internal static class TrainCommand
{
    public static Command Create(ITerminal terminal, RunTraining train)
    {
        var file = new Argument<string>("CONFIG") { Description = "The run's configuration, a JSON file." };
        var ranks = new Option<string?>("--ranks") { Description = "How many ranks share the model; the same as --set ranks=N.", HelpName = "N" };
        var set = new Option<string[]>("--set")
        {
            Description = "Overrides a key of the configuration, for example --set data.train=book.txt. May be repeated.",
            HelpName = "KEY=VALUE",
        };
        var output = new Option<string?>("--output")
        {
            Description = "Where the run is written; the same as --set output_dir=DIR. By default a new folder under runs/.",
            HelpName = "DIR",
        };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the run that the output folder holds." };
        var trace = new Option<bool>("--trace") { Description = "Also write trace.json, a timeline for chrome://tracing or Perfetto." };
        var json = new Option<bool>("--json") { Description = "Print nothing but one JSON object, the summary." };

        var command = new Command("train", "Trains a model as a configuration says.") { file, ranks, set, output, overwrite, trace, json };
        command.SetAction((parsed, cancellation) =>
        {
            var path = parsed.GetValue(file)!;
            var overrides = new List<string>(parsed.GetValue(set) ?? []);
            if (parsed.GetValue(ranks) is { } n)
                overrides.Add($"ranks={n}");
            if (parsed.GetValue(output) is { } folder)
                overrides.Add($"output_dir={folder}");
            var configuration = RunConfiguration.Load(path, overrides);
            if (configuration.OutputDirectory is null)
                configuration = configuration with { OutputDirectory = RunFolder.NewPath(Path.GetFileNameWithoutExtension(path)) };
            var options = new TrainingOptions { Overwrite = parsed.GetValue(overwrite), Trace = parsed.GetValue(trace) };
            return RunAsync(configuration, options, train, terminal, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        RunConfiguration configuration, TrainingOptions options, RunTraining train, ITerminal terminal, bool json, CancellationToken cancellation)
    {
        RunSummary summary;
        if (json)
            summary = await train(configuration, options, new SilentObserver(), cancellation);
        else if (terminal.IsInteractive)
            summary = await LiveProgress.RunAsync(terminal, observer => train(configuration, options, observer, cancellation));
        else
            summary = await train(configuration, options, new PlainProgress(terminal.Out), cancellation);

        if (json)
            SummaryJson.Write(terminal.Out, summary);
        else
            SummaryText.Write(terminal.Out, summary);
        return summary.Cancelled ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    private sealed class SilentObserver : ITrainingObserver;
}
