using System.CommandLine;

namespace NetZero.Cli;

/// <summary><c>netzero env</c>: what this machine is, in a few lines.</summary>
internal static class EnvCommand
{
    public static Command Create(ITerminal terminal)
    {
        var json = BenchOptions.Json();
        var command = new Command("env", "What this machine is, in a few lines; netzero doctor says more.") { json };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(json))
            {
                JsonLine.Write(terminal.Out, writer =>
                {
                    foreach (var fact in MachineFacts.Short())
                        writer.WriteString(fact.Name, fact.Value);
                });
            }
            else
            {
                foreach (var fact in MachineFacts.Short())
                    terminal.Out.WriteLine($"{fact.Name,-24} {fact.Value}");
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
