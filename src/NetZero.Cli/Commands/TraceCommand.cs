using System.CommandLine;
using System.Globalization;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero trace</c>: what traces tell together.</summary>
internal static class TraceCommand
{
    // As many as fit a screen beside the sums.
    private const int MostUnits = 12;

    public static Command Create(ITerminal terminal) => new("trace", "Compares traces.") { CreateCompare(terminal) };

    private static Command CreateCompare(ITerminal terminal)
    {
        var plan = new Argument<string>("PLAN") { Description = "The trace of netzero plan --trace." };
        var run = new Argument<string>("MEASURED") { Description = "The trace.json of a run with netzero train --trace." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command("compare", "Lines a planned step up with the measured ones and says where they differ.") { plan, run, json };
        command.SetAction(parsed =>
        {
            var comparison = TraceComparison.Of(parsed.GetValue(plan)!, parsed.GetValue(run)!);
            if (parsed.GetValue(json))
                WriteJson(terminal.Out, comparison);
            else
                WriteText(terminal.Out, comparison);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void WriteText(TextWriter output, TraceComparison comparison)
    {
        Line(output, $"planned step {comparison.PlannedMilliseconds:F2} ms, measured {comparison.MeasuredMilliseconds:F2} ms in the median of {comparison.Steps}: {(comparison.PlannedMilliseconds / comparison.MeasuredMilliseconds - 1) * 100:+0.0;-0.0;0.0} %");
        output.WriteLine();
        output.WriteLine($"{"ms of a step",-52} {"planned",12} {"measured",12} {"difference",12}");
        foreach (var e in comparison.ByName)
            Line(output, $"{e.Name,-52} {e.PlannedMilliseconds,12:F3} {e.MeasuredMilliseconds,12:F3} {e.Difference,12:+0.000;-0.000;0.000}");
        output.WriteLine();
        output.WriteLine("where they differ most");
        foreach (var e in comparison.Events.Take(MostUnits))
        {
            var name = $"{e.Name} {e.Unit}";
            Line(output, $"{(name.Length > 52 ? name[..49] + "..." : name),-52} {e.PlannedMilliseconds,12:F3} {e.MeasuredMilliseconds,12:F3} {e.Difference,12:+0.000;-0.000;0.000}");
        }
    }

    private static void WriteJson(TextWriter output, TraceComparison comparison) => JsonLine.Write(output, json =>
    {
        json.WriteNumber("planned_ms", comparison.PlannedMilliseconds);
        json.WriteNumber("measured_ms", comparison.MeasuredMilliseconds);
        json.WriteNumber("steps", comparison.Steps);
        json.WriteStartArray("events");
        foreach (var e in comparison.Events)
        {
            json.WriteStartObject();
            json.WriteString("name", e.Name);
            json.WriteString("unit", e.Unit);
            json.WriteNumber("planned_ms", e.PlannedMilliseconds);
            json.WriteNumber("measured_ms", e.MeasuredMilliseconds);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void Line(TextWriter output, FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
