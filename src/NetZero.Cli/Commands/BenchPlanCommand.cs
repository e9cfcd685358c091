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
        var kernels = new Option<bool>("--kernels") { Description = "Also print the kernels, those whose planned time is furthest off first." };
        var command = new Command("plan", "Plans runs, then measures them: how far the planner is off.") { filter, cluster, kernels };
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
                if (parsed.GetValue(kernels))
                    WriteKernels(terminal, line);
                terminal.Out.Flush();
            }

            var errors = lines.Select(line => Math.Abs(line.Error)).Order().ToArray();
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{errors.Length} cases: median {errors[errors.Length / 2] * 100:F1} %, worst {errors[^1] * 100:F1} %"));
            return ExitCodes.Success;
        });
        return command;
    }

    private static void WriteKernels(ITerminal terminal, PlanLine line)
    {
        var (planned, measured) = (line.Planned.KernelSeconds, line.MeasuredKernels);
        foreach (var name in measured.Keys.OrderByDescending(name => Math.Abs(planned.GetValueOrDefault(name) - measured[name])))
        {
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-42} {planned.GetValueOrDefault(name),10:F4} {measured[name],11:F4} {(planned.GetValueOrDefault(name) - measured[name]) / line.MeasuredSeconds * 100,7:+0.0;-0.0;0.0} % of the step"));
        }

        var others = (Planned: line.Planned.StepSeconds - planned.Values.Sum(), Measured: line.MeasuredSeconds - measured.Values.Sum());
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {"calls, collectives and the rest",-42} {others.Planned,10:F4} {others.Measured,11:F4} {(others.Planned - others.Measured) / line.MeasuredSeconds * 100,7:+0.0;-0.0;0.0} % of the step"));
    }
}
