using System.CommandLine;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What <c>netzero plan</c> does without a configuration: predicts a named model on named machines, or checks predictions against published rows.</summary>
internal sealed class ClusterPlanRunner(ITerminal terminal, ClusterOption cluster, PlanFiles files, Option<string?> svg, Option<string[]> set)
{
    private readonly ClusterPlanOptions _run = new();
    private readonly Option<string?> _validate = new("--validate") { Description = "Predict the published runs of a table and print the errors.", HelpName = "ROWS.csv" };

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in All)
            command.Options.Add(option);
    }

    /// <summary>Refuses a configuration together with options that describe a run by name, which would have no effect.</summary>
    /// <exception cref="ConfigurationException">One is given.</exception>
    public void RefuseBesideConfiguration(ParseResult parsed) => Given.Refuse(parsed, All, "a configuration");

    /// <summary>Runs it.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ranks">The value of <c>--ranks</c>, or null.</param>
    /// <param name="json">Whether one JSON object is printed.</param>
    /// <param name="notFor">Options that only a configuration's plan has.</param>
    /// <exception cref="ConfigurationException">What is asked for cannot be.</exception>
    public void Run(ParseResult parsed, string? ranks, bool json, IReadOnlyList<Option> notFor)
    {
        var validates = parsed.GetValue(_validate) is not null;
        if (!validates && !_run.IsAsked(parsed))
            throw new ConfigurationException("nothing to plan: give a configuration, a model with --model, or published rows with --validate");
        var writesRun = !validates && files.Output(parsed) is not null;
        Given.Refuse(parsed, notFor.Where(option => !(option == set && writesRun)), validates ? _validate.Name : "--model");
        if (validates)
        {
            Given.Refuse(parsed, [.. _run.All, .. cluster.All, .. files.All], _validate.Name);
            if (ranks is not null)
                throw new ConfigurationException($"--ranks has no effect beside {_validate.Name}; leave it out");
        }

        files.Check(parsed, json);
        if (files.Ranks(parsed) is null)
            Given.Refuse(parsed, [svg], validates ? _validate.Name : "--model without --scaling");

        try
        {
            if (parsed.GetValue(_validate) is { } rows)
                Validate(rows, json);
            else
                Plan(parsed, ranks, json);
        }
        catch (ArgumentException mistake)
        {
            // The planner refuses what cannot run with one line that says why.
            throw new ConfigurationException(mistake.Message);
        }
    }

    private static Workload Best(IReadOnlyList<SweptPlan> swept) => swept.FirstOrDefault(one => one.Plan.Fits && WorkloadRuns.CanRun(one.Plan.Run))?.Plan.Run
        ?? throw new ConfigurationException("no combination that netzero train has fits the machines; shard over more ranks, or lower the sequence length");

    private IReadOnlyList<Option> All => [.. _run.All, _validate];

    private void Validate(string path, bool json)
    {
        var report = ValidationReport.Of(File.ReadAllText(path), path, Calibration.Shipped);
        if (json)
            terminal.Out.WriteLine(report.ToJson());
        else
            ValidationText.Write(terminal.Out, report);
    }

    private void Plan(ParseResult parsed, string? ranks, bool json)
    {
        var (machines, profile) = (cluster.ForModel(parsed), _run.Profile(parsed));
        var run = _run.Workload(parsed, ranks is null ? machines.DevicesPerNode : PlanFiles.Count("--ranks", ranks));
        if (files.Sweeps(parsed))
        {
            if (files.Output(parsed) is not null && WorkloadRuns.Obstacle(run) is { } obstacle)
                throw new ConfigurationException($"--output: {obstacle}");
            var swept = Sweep.Of(run, machines, profile);
            var choice = files.Output(parsed) is null ? null : WorkloadRuns.Of(Best(swept), parsed.GetValue(set) ?? []).ToJson();
            ClusterPlanText.WriteSweep(terminal.Out, swept);
            if (choice is not null)
                File.WriteAllBytes(files.Output(parsed)!, choice);
            return;
        }

        if (files.Ranks(parsed) is { } counts)
        {
            var (weak, strong) = (ClusterPlanText.Curve(Scaling.Weak(run, machines, counts, profile)), ClusterPlanText.Curve(Scaling.Strong(run, machines, counts, profile)));
            ScalingText.Write(terminal.Out, weak, strong);
            if (parsed.GetValue(svg) is { } curves)
                File.WriteAllText(curves, ScalingFigure.Draw(weak, strong));
            return;
        }

        var plan = Planner.Plan(run, machines, profile);
        files.WriteTrace(parsed, plan.Time.Timeline);
        var changes = Changes.Best(plan, profile);
        if (files.Html(parsed) is { } page)
            File.WriteAllText(page, ClusterPlanPage.Of(plan, profile, changes).ToString());
        if (json)
            ClusterPlanJson.Write(terminal.Out, plan, changes);
        else
            ClusterPlanText.Write(terminal.Out, plan, changes);
    }
}
