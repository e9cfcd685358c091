using System.CommandLine;
using System.CommandLine.Invocation;

namespace NetZero.Cli;

/// <summary>The command line <c>netzero</c>: parses, runs a verb, turns failures into exit codes.</summary>
internal sealed class Tool(ITerminal terminal, Engines engines)
{
    /// <summary>Runs one command line.</summary>
    /// <returns>The process's exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation = default)
    {
        using var interrupts = new Interrupts();
        var root = new RootCommand("Trains neural networks that do not fit, sharded over ranks.")
        {
            new TrainCommand().Create(terminal, engines.Train, engines.Launch, interrupts),
            LaunchCommand.Create(terminal, engines.Launch, interrupts),
            GenerateCommand.Create(terminal, engines.Generate),
            PlanCommand.Create(terminal, engines.Measure),
            TraceCommand.Create(terminal),
            CheckpointCommand.Create(terminal),
            AdapterCommand.Create(terminal),
            BenchCommand.Create(terminal, engines.BenchTrain, engines.Measure),
            DoctorCommand.Create(terminal),
            EnvCommand.Create(terminal),
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
                ProcessTerminationTimeout = null,
            };
            // What computes and returns needs no care: there the system ends the process.
            if (parsed.Action is not AsynchronousCommandLineAction)
                return parsed.Invoke(invocation);
            interrupts.Listen();
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, interrupts.End);
            var running = Task.Run(() => parsed.InvokeAsync(invocation, end.Token), CancellationToken.None);
            return await await Task.WhenAny(running, interrupts.GaveUp);
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
        var verbs = string.Concat(Verbs(parsed.CommandResult).Reverse().Select(verb => verb + " "));
        terminal.Error.WriteLine($"error: {problem}{NearestWord.Hint(parsed)} (see netzero {verbs}--help)");
        return ExitCodes.UserMistake;
    }

    private static IEnumerable<string> Verbs(System.CommandLine.Parsing.CommandResult? result)
    {
        for (; result is { Command: not RootCommand }; result = result.Parent as System.CommandLine.Parsing.CommandResult)
            yield return result.Command.Name;
    }
}
