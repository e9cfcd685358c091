using System.CommandLine;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What <c>netzero plan CONFIG</c> does: the run's own program on Meta, exact in bytes, and timed on a cluster or on this machine.</summary>
internal sealed class RunPlanRunner(ITerminal terminal, ClusterOption cluster, PlanFiles files)
{
    private readonly Option<string[]> _set = new("--set") { Description = "Overrides a key of the configuration. May be repeated.", HelpName = "KEY=VALUE" };
    private readonly Option<int> _rank = new("--rank") { Description = "Whose memory is shown.", HelpName = "R" };
    private readonly Option<bool> _schedule = new("--schedule") { Description = "Print one step's events with the bytes that live after each, by kind." };
    private readonly Option<string?> _svg = new("--svg") { Description = "Also draw memory by kind over the step's events; with --scaling, the curves.", HelpName = "FILE" };
    private readonly Option<string?> _over = new("--over") { Description = "With --svg: the trace.json of a run of this configuration; its last step is drawn over the plan.", HelpName = "TRACE" };

    /// <summary>The options that only a configuration's plan has.</summary>
    public IReadOnlyList<Option> Own => [_set, _rank, _schedule, _over];

    /// <summary><c>--set</c>, which also completes the best choice of a named model's sweep.</summary>
    public Option<string[]> Set => _set;

    /// <summary><c>--svg</c>, which a named model's scaling has too.</summary>
    public Option<string?> Svg => _svg;

    /// <summary>Runs it.</summary>
    /// <exception cref="ConfigurationException">What is asked for cannot be.</exception>
    public async Task RunAsync(ParseResult parsed, string path, string? ranks, bool json, CancellationToken cancellation)
    {
        var overrides = new List<string>(parsed.GetValue(_set) ?? []);
        if (ranks is not null)
            overrides.Add($"ranks={ranks}");
        var run = RunConfiguration.Load(path, overrides);
        var who = parsed.GetValue(_rank);
        if (who < 0 || who >= run.Ranks)
            throw new ConfigurationException($"--rank is {who}; expected a whole number, from 0 to {run.Ranks - 1}");
        if (parsed.GetValue(_over) is not null && parsed.GetValue(_svg) is null)
            throw new ConfigurationException("--over draws on a picture; say where with --svg FILE");
        files.Check(parsed, json);
        try
        {
            await PlanAsync(parsed, run, who, json, cancellation);
        }
        catch (ArgumentException mistake)
        {
            // The planner refuses what cannot run with one line that says why.
            throw new ConfigurationException(mistake.Message);
        }
    }

    private async Task PlanAsync(ParseResult parsed, RunConfiguration run, int rank, bool json, CancellationToken cancellation)
    {
        // Events and their bytes need no machine.
        if (parsed.GetValue(_schedule))
        {
            Given.Refuse(parsed, [.. cluster.All, .. files.All], _schedule.Name);
            Schedule(parsed, run, rank, json);
            return;
        }

        var machines = await cluster.ForRunAsync(parsed, run.Ranks, run.ThreadsPerRank, cancellation);
        if (files.Sweeps(parsed))
        {
            var variants = RunVariants.Sweep(run, machines);
            RunPlanText.WriteSweep(terminal.Out, variants);
            if (files.Output(parsed) is { } best)
                await File.WriteAllBytesAsync(best, Best(variants).Run.ToJson(), cancellation);
            return;
        }

        if (files.Ranks(parsed) is { } counts)
        {
            var (weak, strong) = (RunPlanText.Curve(RunVariants.Weak(run, machines, counts)), RunPlanText.Curve(RunVariants.Strong(run, machines, counts)));
            ScalingText.Write(terminal.Out, weak, strong);
            if (parsed.GetValue(_svg) is { } curves)
                await File.WriteAllTextAsync(curves, ScalingFigure.Draw(weak, strong), cancellation);
            return;
        }

        var plan = RunPlanner.Plan(run, machines, rank);
        Draw(parsed, plan.Sharding);
        files.WriteTrace(parsed, plan.Time.Timeline);
        var changes = RunVariants.Changes(run, plan);
        if (files.Html(parsed) is { } page)
            await File.WriteAllTextAsync(page, RunPlanPage.Of(run, plan, changes).ToString(), cancellation);
        if (json)
            RunPlanJson.Write(terminal.Out, run, plan, changes);
        else
            RunPlanText.Write(terminal.Out, plan, changes);
    }

    private void Schedule(ParseResult parsed, RunConfiguration run, int rank, bool json)
    {
        var plan = StepPlan.Predict(run, rank);
        Draw(parsed, plan);
        if (json)
            PlanJson.Write(terminal.Out, plan);
        else
            ScheduleText.Write(terminal.Out, plan);
    }

    private void Draw(ParseResult parsed, ShardingPlan plan)
    {
        if (parsed.GetValue(_svg) is { } picture)
            File.WriteAllText(picture, MemoryFigure.Draw(plan, parsed.GetValue(_over) is { } trace ? TraceReader.LastStep(trace, plan) : null));
    }

    private static PlannedVariant Best(IReadOnlyList<PlannedVariant> variants) => variants.FirstOrDefault(variant => variant.Plan.Fits)
        ?? throw new ConfigurationException("no combination fits the machines; shard over more ranks, or lower the sequence length");
}
