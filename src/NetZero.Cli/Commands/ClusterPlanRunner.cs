using System.CommandLine;
using System.Globalization;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What <c>netzero plan</c> does without a configuration: predicts a named model on named machines, or checks predictions against published rows.</summary>
internal sealed class ClusterPlanRunner(ITerminal terminal)
{
    private readonly ClusterPlanOptions _run = new();
    private readonly Option<string?> _validate = new("--validate") { Description = "Predict the published runs of a table and print the errors.", HelpName = "ROWS.csv" };
    private readonly Option<bool> _sweep = new("--sweep") { Description = "Try stages, groups, micro-batches, recomputation and dtypes." };
    private readonly Option<string?> _scaling = new("--scaling") { Description = "Scale over these numbers of ranks.", HelpName = "1,2,4,..." };
    private readonly Option<string?> _trace = new("--trace") { Description = "Write the simulated step in Chrome's trace format.", HelpName = "FILE" };

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in All)
            command.Options.Add(option);
    }

    /// <summary>Refuses a configuration together with options that describe a run by name, which would have no effect.</summary>
    /// <exception cref="ConfigurationException">One is given.</exception>
    public void RefuseBesideConfiguration(ParseResult parsed) => Refuse(parsed, All, "a configuration");

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
        Refuse(parsed, notFor, validates ? _validate.Name : "--model");
        if (validates)
        {
            Refuse(parsed, [.. _run.All, _sweep, _scaling, _trace], _validate.Name);
            if (ranks is not null)
                throw new ConfigurationException($"--ranks has no effect beside {_validate.Name}; leave it out");
        }

        foreach (var table in new Option[] { _sweep, _scaling }.Where(option => IsGiven(parsed, option)))
        {
            Refuse(parsed, [_trace, .. new Option[] { _sweep, _scaling }.Where(other => other != table)], table.Name);
            if (json)
                throw new ConfigurationException($"--json has no effect beside {table.Name}; leave it out");
        }

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

    private IReadOnlyList<Option> All => [.. _run.All, _validate, _sweep, _scaling, _trace];

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static void Refuse(ParseResult parsed, IEnumerable<Option> options, string beside)
    {
        if (options.FirstOrDefault(option => IsGiven(parsed, option)) is { } given)
            throw new ConfigurationException($"{given.Name} has no effect beside {beside}; leave it out");
    }

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
        var (cluster, profile) = (_run.Cluster(parsed), _run.Profile(parsed));
        var run = _run.Workload(parsed, ranks is null ? cluster.DevicesPerNode : Count("--ranks", ranks));
        if (parsed.GetValue(_sweep))
        {
            ClusterPlanText.WriteSweep(terminal.Out, Sweep.Of(run, cluster, profile));
            return;
        }

        if (parsed.GetValue(_scaling) is { } list)
        {
            var counts = list.Split(',').Select(count => Count("--scaling", count)).ToArray();
            terminal.Out.WriteLine("weak scaling: each rank keeps its samples");
            ClusterPlanText.WriteScaling(terminal.Out, Scaling.Weak(run, cluster, counts, profile));
            terminal.Out.WriteLine();
            terminal.Out.WriteLine("strong scaling: the batch stays");
            ClusterPlanText.WriteScaling(terminal.Out, Scaling.Strong(run, cluster, counts, profile));
            return;
        }

        var plan = Planner.Plan(run, cluster, profile);
        if (parsed.GetValue(_trace) is { } trace)
        {
            using var file = File.Create(trace);
            SimulatedTrace.Write(file, plan.Time.Timeline);
        }

        var changes = Changes.Best(plan, profile);
        if (json)
            ClusterPlanJson.Write(terminal.Out, plan, changes);
        else
            ClusterPlanText.Write(terminal.Out, plan, changes);
    }

    private static int Count(string option, string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? count
            : throw new ConfigurationException($"{option} is '{text}'; expected whole numbers above 0");
}
