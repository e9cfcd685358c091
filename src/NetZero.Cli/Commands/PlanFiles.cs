using System.CommandLine;
using System.Globalization;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The options of <c>netzero plan</c> that ask for tables and files beside the plan itself, of a configuration and of a named model alike.</summary>
internal sealed class PlanFiles
{
    private readonly Option<bool> _sweep = new("--sweep") { Description = "Try stages, micro-batches, recomputation and what else the run leaves open." };
    private readonly Option<string?> _scaling = new("--scaling") { Description = "Scale over these numbers of ranks.", HelpName = "1,2,4,..." };
    private readonly Option<string?> _trace = new("--trace") { Description = "Write the simulated step in Chrome's trace format.", HelpName = "FILE" };
    private readonly Option<string?> _output = new("--output") { Description = "With --sweep: write the best choice as a configuration that netzero train accepts.", HelpName = "FILE" };
    private readonly Option<string?> _html = new("--html") { Description = "Write a report: memory, lanes, sweep and scaling, in one page that needs no network.", HelpName = "FILE" };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All => [_sweep, _scaling, _trace, _output, _html];

    /// <summary>Whether a sweep is asked for.</summary>
    public bool Sweeps(ParseResult parsed) => parsed.GetValue(_sweep);

    /// <summary>The numbers of ranks to scale over; null if that is not asked for.</summary>
    public IReadOnlyList<int>? Ranks(ParseResult parsed) => parsed.GetValue(_scaling) is { } list ? [.. list.Split(',').Select(count => Count(_scaling.Name, count))] : null;

    /// <summary>Where the best choice goes.</summary>
    public string? Output(ParseResult parsed) => parsed.GetValue(_output);

    /// <summary>Where the report goes.</summary>
    public string? Html(ParseResult parsed) => parsed.GetValue(_html);

    /// <summary>Refuses options that exclude each other.</summary>
    /// <exception cref="ConfigurationException">Some do.</exception>
    public void Check(ParseResult parsed, bool json)
    {
        foreach (var table in new Option[] { _sweep, _scaling }.Where(option => Given.Is(parsed, option)))
        {
            Given.Refuse(parsed, All.Where(other => other != table && !(table == _sweep && other == _output)), table.Name);
            if (json)
                throw new ConfigurationException($"--json has no effect beside {table.Name}; leave it out");
        }

        if (Given.Is(parsed, _output) && !Sweeps(parsed))
            throw new ConfigurationException("--output takes the best choice of a sweep; add --sweep, or leave it out");
    }

    /// <summary>Writes the trace, if it is asked for.</summary>
    public void WriteTrace(ParseResult parsed, IReadOnlyList<TimedTask> timeline)
    {
        if (parsed.GetValue(_trace) is not { } path)
            return;
        using var file = File.Create(path);
        SimulatedTrace.Write(file, timeline);
    }

    /// <summary>A number of ranks.</summary>
    /// <exception cref="ConfigurationException">Text that is none.</exception>
    public static int Count(string option, string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? count
            : throw new ConfigurationException($"{option} is '{text}'; expected whole numbers above 0");
}
