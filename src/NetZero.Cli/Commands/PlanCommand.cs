using System.CommandLine;

namespace NetZero.Cli;

/// <summary><c>netzero plan</c>: what a run will take, hold and move, before anything is allocated; of a configuration, or of a named model on named machines.</summary>
internal static class PlanCommand
{
    public static Command Create(ITerminal terminal, MeasureMachine measure)
    {
        var file = new Argument<string?>("CONFIG") { Description = "The run's configuration, a JSON file; left out with --model or --validate.", Arity = ArgumentArity.ZeroOrOne };
        var ranks = new Option<string?>("--ranks") { Description = "How many ranks share the model; the same as --set ranks=N.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var cluster = new ClusterOption(measure);
        var files = new PlanFiles();
        var runs = new RunPlanRunner(terminal, cluster, files);
        var clusters = new ClusterPlanRunner(terminal, cluster, files, runs.Svg, runs.Set);

        var command = new Command("plan", "Says what a run will take, hold and move, before anything is allocated.") { file, ranks, json, cluster.Option, cluster.Network };
        foreach (var option in (Option[])[.. files.All, runs.Svg, .. runs.Own])
            command.Options.Add(option);
        clusters.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(file) is { } path)
            {
                clusters.RefuseBesideConfiguration(parsed);
                await runs.RunAsync(parsed, path, parsed.GetValue(ranks), parsed.GetValue(json), cancellation);
            }
            else
            {
                clusters.Run(parsed, parsed.GetValue(ranks), parsed.GetValue(json), notFor: runs.Own);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
