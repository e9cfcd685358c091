using NetZero.Launch;

namespace NetZero.Cli;

/// <summary>Ranks to be started as processes.</summary>
/// <param name="Processes">How many.</param>
/// <param name="Arguments">This tool's arguments for each.</param>
/// <param name="LogFolder">Where each one's output is kept.</param>
/// <param name="ReportFolder">Where a hang is reported.</param>
/// <param name="Stop">When cancelled, they are asked once to save and end.</param>
/// <param name="Restarts">Whether and how it goes on after a failure.</param>
internal sealed record LaunchRequest(
    int Processes, IReadOnlyList<string> Arguments, string LogFolder, string ReportFolder, CancellationToken Stop = default, RestartRequest? Restarts = null);

/// <summary>A job that goes on after a failure.</summary>
/// <param name="Most">How many times.</param>
/// <param name="SmallerWorlds">Worlds that may go on in place of a larger one, the largest first.</param>
/// <param name="Arguments">This tool's arguments for each rank of a world that goes on.</param>
internal sealed record RestartRequest(int Most, IReadOnlyList<int> SmallerWorlds, Func<int, IReadOnlyList<string>> Arguments);

/// <summary>Starts ranks as processes and waits for them.</summary>
/// <returns>The exit code.</returns>
internal delegate Task<int> RunLaunch(LaunchRequest request, ITerminal terminal, CancellationToken cancellation);

/// <summary>Starts this tool once for each rank.</summary>
internal static class Launching
{
    // Workers end within two seconds of Ctrl+C by themselves; then they are killed.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(4);

    /// <summary>How long a launcher takes to end at most: the grace, and what killing processes and reading their last words takes.</summary>
    public static readonly TimeSpan EndWithin = Grace * 2;

    public static async Task<int> RunAsync(LaunchRequest request, ITerminal terminal, CancellationToken cancellation)
    {
        var (program, arguments) = ThisTool();
        var options = new LaunchOptions
        {
            Processes = request.Processes,
            Program = program,
            Arguments = [.. arguments, .. request.Arguments],
            LogFolder = request.LogFolder,
            Stop = request.Stop,
            Grace = Grace,
            ReportFolder = request.ReportFolder,
        };
        var failure = request.Restarts is { } restarts
            ? await Restarts.RunAsync(options, Policy(restarts, arguments, terminal), Show, cancellation)
            : await Launcher.RunAsync(options, Show, cancellation);
        if (failure is null)
            return ExitCodes.Success;
        terminal.Error.WriteLine($"error: {failure.Reason.ReplaceLineEndings(" ")}; "
            + (failure.ReportPath is { } report ? $"all ranks' calls are in {report}, and " : "") + $"each rank's output is in {request.LogFolder}");
        return failure.ExitCode == 0 ? ExitCodes.Defect : failure.ExitCode;

        // Rank 0 reports for all, so its output is the job's; what others say is marked.
        void Show(WorkerLine line)
        {
            var writer = line.IsError ? terminal.Error : terminal.Out;
            writer.WriteLine(line is { Rank: 0, IsError: false } ? line.Text : $"[rank {line.Rank}] {line.Text}");
            writer.Flush();
        }
    }

    private static RestartPolicy Policy(RestartRequest request, string[] tool, ITerminal terminal) => new()
    {
        MaxRestarts = request.Most,
        SmallerWorlds = request.SmallerWorlds,
        Arguments = world => [.. tool, .. request.Arguments(world)],
        FinalExitCodes = [ExitCodes.UserMistake, ExitCodes.DamagedCheckpoint, ExitCodes.EngineMissing, ExitCodes.Interrupted],
        OnRestart = (failure, restart, world) => terminal.Error.WriteLine(
            $"restart {restart} of {request.Most} with {world} {(world == 1 ? "rank" : "ranks")}: {failure.Reason.ReplaceLineEndings(" ")}"),
    };

    /// <summary>How this tool is started once more: as a framework-dependent program dotnet with an assembly, otherwise a program of its own.</summary>
    public static (string Program, string[] Arguments) ThisTool()
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The system does not say which program this is.");
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? (program, [Environment.GetCommandLineArgs()[0]]) : (program, []);
    }
}
