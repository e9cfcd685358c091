using System.CommandLine;
using System.Globalization;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench plan</c>: planned step times beside measured ones.</summary>
internal static class BenchPlanCommand
{
    public static Command Create(ITerminal terminal)
    {
        var filter = new Option<string?>("--filter") { Description = "The cases whose names contain one of these texts, such as small or stage 3.", HelpName = "TEXT,..." };
        var cluster = new Option<string?>("--cluster") { Description = "The machine as netzero bench machine described it; by default it is measured first.", HelpName = "FILE" };
        var command = new Command("plan", "Plans runs, then measures them: how far the planner is off.") { filter, cluster };
        command.SetAction(async (parsed, cancellation) =>
        {
            var text = parsed.GetValue(filter) ?? "";
            var cases = PlanCase.All.Where(one => text.Split(',').Any(part => one.Name.Contains(part, StringComparison.OrdinalIgnoreCase))).ToList();
            if (cases.Count == 0)
                throw new ConfigurationException($"--filter is '{text}', which no name contains; the names are {string.Join("; ", PlanCase.All.Select(one => one.Name))}");
            var lines = new List<PlanLine>();
            terminal.Out.WriteLine($"{"",-44} {"planned s",10} {"measured s",11} {"error",9}");
            await foreach (var line in PlanBenchmark.RunAsync(cases, parsed.GetValue(cluster) is { } path ? ClusterCatalog.Find(path) : null, cancellation))
            {
                lines.Add(line);
                terminal.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{line.Name,-44} {line.Planned.StepSeconds,10:F4} {line.MeasuredSeconds,11:F4} {line.Error * 100,7:+0.0;-0.0;0.0} %"));
                terminal.Out.Flush();
            }

            var errors = lines.Select(line => Math.Abs(line.Error)).Order().ToArray();
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{errors.Length} cases: median {errors[errors.Length / 2] * 100:F1} %, worst {errors[^1] * 100:F1} %"));
            return ExitCodes.Success;
        });
        return command;
    }
}
