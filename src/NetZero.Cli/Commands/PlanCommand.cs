using System.CommandLine;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero plan</c>: what a run will hold and move, before anything is allocated; of a configuration, or of a named model on named machines.</summary>
internal static class PlanCommand
{
    public static Command Create(ITerminal terminal)
    {
        var file = new Argument<string?>("CONFIG") { Description = "The run's configuration, a JSON file; left out with --model or --validate.", Arity = ArgumentArity.ZeroOrOne };
        var ranks = new Option<string?>("--ranks") { Description = "How many ranks share the model; the same as --set ranks=N.", HelpName = "N" };
        var set = new Option<string[]>("--set") { Description = "Overrides a key of the configuration. May be repeated.", HelpName = "KEY=VALUE" };
        var rank = new Option<int>("--rank") { Description = "Whose memory is shown.", HelpName = "R" };
        var schedule = new Option<bool>("--schedule") { Description = "Print one step's events with the bytes that live after each, by kind." };
        var svg = new Option<string?>("--svg") { Description = "Also draw memory by kind over the step's events.", HelpName = "FILE" };
        var over = new Option<string?>("--over") { Description = "With --svg: the trace.json of a run of this configuration; its last step is drawn over the plan.", HelpName = "TRACE" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };

        var clusters = new ClusterPlanRunner(terminal);

        var command = new Command("plan", "Says what a run will hold and move, before anything is allocated.") { file, ranks, set, rank, schedule, svg, over, json };
        clusters.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(file) is not { } path)
            {
                clusters.Run(parsed, parsed.GetValue(ranks), parsed.GetValue(json), notFor: [set, rank, schedule, svg, over]);
                return ExitCodes.Success;
            }

            clusters.RefuseBesideConfiguration(parsed);
            var overrides = new List<string>(parsed.GetValue(set) ?? []);
            if (parsed.GetValue(ranks) is { } n)
                overrides.Add($"ranks={n}");
            var configuration = RunConfiguration.Load(path, overrides);
            var who = parsed.GetValue(rank);
            if (who < 0 || who >= configuration.Ranks)
                throw new ConfigurationException($"--rank is {who}; expected a whole number, from 0 to {configuration.Ranks - 1}");
            if (parsed.GetValue(over) is not null && parsed.GetValue(svg) is null)
                throw new ConfigurationException("--over draws on a picture; say where with --svg FILE");
            var plan = StepPlan.Predict(configuration, who);
            if (parsed.GetValue(svg) is { } picture)
                Draw(picture, plan, parsed.GetValue(over));
            if (parsed.GetValue(json))
                PlanJson.Write(terminal.Out, plan, parsed.GetValue(schedule));
            else if (parsed.GetValue(schedule))
                ScheduleText.Write(terminal.Out, plan);
            else
                terminal.Out.WriteLine(plan.ToString().ReplaceLineEndings(terminal.Out.NewLine));
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Draw(string picture, ShardingPlan plan, string? trace) =>
        File.WriteAllText(picture, MemoryFigure.Draw(plan, trace is null ? null : TraceReader.LastStep(trace, plan)));
}
