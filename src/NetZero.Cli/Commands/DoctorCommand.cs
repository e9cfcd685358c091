using System.CommandLine;
using NetZero.Launch;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero doctor</c>: examines this machine, or looks into a job that hangs.</summary>
internal static class DoctorCommand
{
    public static Command Create(ITerminal terminal)
    {
        var dump = new Option<int?>("--dump")
        {
            Description = "Show what all ranks of a live job called last, and who holds the others up; PID is its launcher or any of its ranks.",
            HelpName = "PID",
        };
        var json = BenchOptions.Json();
        var command = new Command("doctor", "Examines this machine and times every collective on it; with --dump looks into a job that hangs.") { dump, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(dump) is { } process)
            {
                Dump(terminal, process, parsed.GetValue(json));
                return ExitCodes.Success;
            }

            if (parsed.GetValue(json))
                throw new ConfigurationException("--json goes with --dump; netzero env --json has the machine's facts, netzero bench collectives --json the times");
            return await Examination.RunAsync(terminal.Out, cancellation) ? ExitCodes.Success : ExitCodes.Unwell;
        });
        return command;
    }

    private static void Dump(ITerminal terminal, int process, bool json)
    {
        try
        {
            var report = LiveJob.Read(process);
            if (json)
                JsonLine.WriteValue(terminal.Out, report.WriteJson);
            else
                report.WriteText(terminal.Out);
        }
        catch (ArgumentException e)
        {
            throw new ConfigurationException($"--dump {process}: {e.Message}", e);
        }
    }
}
