using System.CommandLine;

namespace NetZero.Cli;

/// <summary><c>netzero launch</c>: starts the ranks of a training as processes of this machine.</summary>
internal static class LaunchCommand
{
    public static Command Create(ITerminal terminal, RunLaunch launch, Interrupts interrupts)
    {
        var count = new Option<int>("--nproc") { Description = "How many processes, one for each rank.", HelpName = "N", Required = true };
        var restarts = new Option<int>("--max-restarts")
        {
            Description = "After a failure, start all ranks again from the newest checkpoint that verifies, at most so many times.",
            HelpName = "R",
        };
        var least = new Option<int>("--min-nproc")
        {
            Description = "Each restart goes on with fewer processes, down to M, that divide the same global batch; without it with as many as before.",
            HelpName = "M",
        };
        var trailing = new Argument<string[]>("train CONFIG ...")
        {
            Description = "After --, what each process runs.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("launch", "Starts the ranks of a training as processes of this machine.") { count, restarts, least, trailing };
        command.SetAction((parsed, cancellation) =>
        {
            var elastic = new ElasticOptions(parsed.GetValue(restarts), parsed.GetResult(least) is null ? null : parsed.GetValue(least));
            return new TrainCommand().LaunchAsync(parsed.GetValue(trailing)!, parsed.GetValue(count), elastic, terminal, launch, interrupts, cancellation);
        });
        return command;
    }
}

/// <summary>Whether and how a launched job goes on after a failure.</summary>
/// <param name="MaxRestarts">How many times.</param>
/// <param name="LeastProcesses">Down to how many processes; null is with as many as before.</param>
internal readonly record struct ElasticOptions(int MaxRestarts, int? LeastProcesses);
