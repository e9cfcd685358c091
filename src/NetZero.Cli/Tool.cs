using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Trains: the trainer, or what stands for it in tests of the command line.</summary>
internal delegate Task<RunSummary> RunTraining(
    RunConfiguration configuration, TrainingOptions options, ITrainingObserver observer, CancellationToken cancellation);

/// <summary>The command line <c>netzero</c>: parses, runs a verb, turns failures into exit codes.</summary>
internal sealed class Tool(ITerminal terminal, RunTraining train)
{
    // All ranks end within two seconds of Ctrl+C; after that the process ends without them.
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(2);

    /// <summary>Runs one command line.</summary>
    /// <returns>The process's exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation = default)
    {
        var root = new RootCommand("Trains neural networks that do not fit, sharded over ranks.")
        {
            TrainCommand.Create(terminal, train),
        };
        // An argument that begins with @ is a prompt or a path, never a file of further arguments.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return ReportParseErrors(parsed);
        try
        {
            var invocation = new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = EndWithin,
            };
            return await parsed.InvokeAsync(invocation, cancellation);
        }
        catch (Exception failure)
        {
            return Failures.Report(failure, terminal.Error);
        }
    }

    private int ReportParseErrors(ParseResult parsed)
    {
        // The first error is the mistake, later ones are usually its consequences.
        var problem = parsed.Errors[0].Message.ReplaceLineEndings(" ");
        var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
        terminal.Error.WriteLine($"error: {problem} (see netzero {verb}--help)");
        return ExitCodes.UserMistake;
    }
}
