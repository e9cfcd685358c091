using System.CommandLine;
using NetZero.Launch;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero doctor</c>: looks into a job that hangs.</summary>
internal static class DoctorCommand
{
    public static Command Create(ITerminal terminal)
    {
        var dump = new Option<int>("--dump")
        {
            Description = "Show what all ranks of a live job called last, and who holds the others up; PID is its launcher or any of its ranks.",
            HelpName = "PID",
            Required = true,
        };
        var json = BenchOptions.Json();
        var command = new Command("doctor", "Looks into a job that hangs.") { dump, json };
        command.SetAction(parsed =>
        {
            Dump(terminal, parsed.GetValue(dump), parsed.GetValue(json));
            return ExitCodes.Success;
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
