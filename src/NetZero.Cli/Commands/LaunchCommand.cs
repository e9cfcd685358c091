using System.CommandLine;

namespace NetZero.Cli;

/// <summary><c>netzero launch</c>: starts the ranks of a training as processes of this machine.</summary>
internal static class LaunchCommand
{
    public static Command Create(ITerminal terminal, RunLaunch launch, Interrupts interrupts)
    {
        var count = new Option<int>("--nproc") { Description = "How many processes, one for each rank.", HelpName = "N", Required = true };
        var trailing = new Argument<string[]>("train CONFIG ...")
        {
            Description = "After --, what each process runs.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("launch", "Starts the ranks of a training as processes of this machine.") { count, trailing };
        command.SetAction((parsed, cancellation) =>
            new TrainCommand().LaunchAsync(parsed.GetValue(trailing)!, parsed.GetValue(count), terminal, launch, interrupts, cancellation));
        return command;
    }
}
