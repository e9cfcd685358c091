using System.Globalization;
using NetZero.Planning;

namespace NetZero.Cli;

/// <summary>Predictions for the terminal; at most 100 columns.</summary>
internal static class ClusterPlanText
{
    private const double Gib = 1L << 30;

    /// <summary>One plan, and what could be changed.</summary>
    public static void Write(TextWriter output, ClusterPlan plan, IReadOnlyList<Change> changes)
    {
        var (run, time, memory) = (plan.Run, plan.Time, plan.Memory);
        Line(output, $"{run.Model.Name} ({run.Model.Parameters:N0} parameters) on {run.Layout.Ranks} x {plan.Cluster.Device.Name}, {run.TokensPerStep:N0} tokens a step");
        Line(output, $"memory   {memory.Total / Gib,8:F1} GiB of {plan.Cluster.Device.MemoryBytes / Gib:F1} at the peak of a rank, when {memory.Moment}: {(plan.Fits ? "fits" : "does not fit")}");
        foreach (var (name, bytes) in Kinds(memory))
            Line(output, $"  {name,-20} {bytes / Gib,8:F1} GiB");
        Line(output, $"step     {time.StepSeconds,8:F3} s, {plan.TokensPerSecond:N0} tokens/s, {time.TokensPerSecondPerDevice:N0} a device, MFU {time.Mfu * 100:F1} %");
        Line(output, $"limit    {plan.LimitedBy}");
        foreach (var (name, seconds) in Parts(time))
            Line(output, $"  {name,-20} {seconds,8:F3} s");
        if (plan.Failures is { } failures)
            Line(output, $"failures {failures.FailureSeconds / 3600,8:F1} h apart; checkpoints of 60 s every {failures.DalySeconds / 60:F0} min leave {failures.Share(failures.DalySeconds) * 100:F1} % of the time");
        if (changes.Count == 0)
            return;
        Line(output, $"{(plan.Fits ? "faster" : "fits")} with");
        foreach (var change in changes)
            Line(output, $"  {change.What,-44} {change.Plan.Time.TokensPerSecondPerDevice,9:N0} tokens/s a device {change.Plan.Memory.Total / Gib,8:F1} GiB");
    }

    /// <summary>A sweep's table; a star marks the Pareto front.</summary>
    public static void WriteSweep(TextWriter output, IReadOnlyList<SweptPlan> plans)
    {
        output.WriteLine("   stage  group  micro  accum.  recompute         dtype    GiB   fits   tokens/s/device     MFU");
        foreach (var (plan, pareto) in plans)
        {
            var run = plan.Run;
            Line(output, $"{(pareto ? "*" : " ")} {run.Stage,5} {(run.ShardGroup == 0 ? "all" : $"{run.ShardGroup}"),6} {run.MicroBatch,6} {run.MicroBatches,7}  {run.Recompute,-16}  {run.Dtype,-5} {plan.Memory.Total / Gib,7:F1} {(plan.Fits ? "yes" : "no"),5} {plan.Time.TokensPerSecondPerDevice,17:N0} {plan.Time.Mfu * 100,6:F1} %");
        }
    }

    /// <summary>A scaling curve as points.</summary>
    public static IReadOnlyList<CurvePoint> Curve(IEnumerable<ScalingPoint> points) =>
        CurvePoint.Of(points.Select(point => (point.Ranks, point.Plan.Time, point.Plan.TokensPerSecond, point.Plan.Memory.Total)));

    internal static IEnumerable<(string Name, double Bytes)> Kinds(MemoryPrediction memory) =>
    [
        ("parameters", memory.Parameters), ("gradients", memory.Gradients), ("optimizer", memory.Optimizer), ("gathered", memory.Gathered),
        ("activations", memory.Activations), ("logits", memory.Logits), ("fixed", memory.Fixed),
    ];

    internal static IEnumerable<(string Name, double Seconds)> Parts(StepPrediction time) =>
    [
        ("compute", time.ComputeSeconds - time.TensorSeconds), ("tensor_parallel", time.TensorSeconds), ("exposed_communication", time.ExposedSeconds),
        ("update", time.UpdateSeconds), ("bubble", time.BubbleSeconds), ("offload", time.OffloadSeconds),
    ];

    private static void Line(TextWriter output, FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
