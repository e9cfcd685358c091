using System.Globalization;
using NetZero.Planning;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The plan of a configuration for the terminal; at most 100 columns.</summary>
internal static class RunPlanText
{
    /// <summary>Units, events and bytes, then time, limits and what could be changed.</summary>
    public static void Write(TextWriter output, ProgramPlan plan, IReadOnlyList<PlannedVariant> changes)
    {
        output.WriteLine(plan.Sharding.ToString().ReplaceLineEndings(output.NewLine));
        output.WriteLine();
        foreach (var (name, value) in Facts(plan))
            output.WriteLine($"{name,-24} {value}");
        if (changes.Count == 0)
        {
            output.WriteLine(plan.Fits ? "no single change of stage, checkpointing, accumulation or reduction is faster" : "no single change of stage, checkpointing, accumulation or reduction makes it fit");
            return;
        }

        output.WriteLine(plan.Fits ? "faster with" : "fits with");
        foreach (var change in changes)
            Line(output, $"  --set {change.What,-42} {change.Plan.TokensPerSecond,12:N0} tokens/s {ByteSize.Show(change.Plan.Sharding.Highest.Total),12}");
    }

    /// <summary>What a plan says in single values.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(ProgramPlan plan)
    {
        var time = plan.Time;
        yield return ("on", $"{plan.Cluster.Name}, {plan.Sharding.Ranks} x {plan.Cluster.Device.Name}, {plan.Threads} {(plan.Threads == 1 ? "thread" : "threads")} a rank");
        yield return ("peak", $"{ByteSize.Show(plan.Sharding.Highest.Total)} {plan.PeakMoment}");
        yield return ("fits", $"{(plan.Fits ? "yes" : "no")}: a rank has {ByteSize.Show(plan.BytesOfRank)}");
        yield return ("step", Text($"{Duration(time.StepSeconds)}, {plan.TokensPerSecond:N0} tokens/s, MFU {time.Mfu * 100:F1} %"));
        foreach (var (name, seconds) in Parts(time))
            yield return ($"  {name.Replace('_', ' ')}", Text($"{Duration(seconds)}, {seconds / time.StepSeconds * 100:F1} %"));
        yield return ("limit", plan.LimitedBy);
    }

    /// <summary>A sweep's table; a star marks the Pareto front.</summary>
    public static void WriteSweep(TextWriter output, IReadOnlyList<PlannedVariant> variants)
    {
        output.WriteLine("   stage  group  micro  accum.  checkpointing  dtype          peak   fits      tokens/s     MFU");
        foreach (var (point, variant) in Points(variants).Zip(variants))
        {
            var (run, group) = (variant.Run, variant.Run.Zero.ShardGroupSize);
            Line(output, $"{(point.IsPareto ? "*" : " ")} {run.Zero.Stage,5} {(group == 0 ? "all" : $"{group}"),6} {run.MicroBatchSize,6} {run.AccumulationSteps,7}  {Name(run.Checkpointing.Mode),-13}  {run.Precision.Name,-5} {ByteSize.Show((long)point.PeakBytes),12} {(variant.Plan.Fits ? "yes" : "no"),6} {point.TokensPerSecond,13:N0} {variant.Plan.Time.Mfu * 100,6:F1} %");
        }
    }

    /// <summary>A sweep as points.</summary>
    public static IReadOnlyList<SweepPoint> Points(IReadOnlyList<PlannedVariant> variants) =>
        SweepPoint.Of(variants.Select(variant => (variant.What, (double)variant.Plan.Sharding.Highest.Total, variant.Plan.TokensPerSecond, variant.Plan.Fits)));

    /// <summary>A scaling curve as points.</summary>
    public static IReadOnlyList<CurvePoint> Curve(IEnumerable<PlannedVariant> variants) =>
        CurvePoint.Of(variants.Select(variant => (variant.Run.Ranks, variant.Plan.Time, variant.Plan.TokensPerSecond, (double)variant.Plan.Sharding.Highest.Total)));

    internal static IEnumerable<(string Name, double Seconds)> Parts(StepPrediction time) =>
        [("compute", time.ComputeSeconds), ("exposed_communication", time.ExposedSeconds), ("update", time.UpdateSeconds), ("load", time.LoadSeconds)];

    /// <summary>A time in the unit that suits it.</summary>
    internal static string Duration(double seconds) => seconds >= 1 ? Text($"{seconds:F3} s") : seconds >= 1e-3 ? Text($"{seconds * 1e3:F2} ms") : Text($"{seconds * 1e6:F0} µs");

    private static string Name(CheckpointingMode mode) => mode.ToString().ToLowerInvariant();

    private static void Line(TextWriter output, FormattableString text) => output.WriteLine(Text(text));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
