using System.Globalization;
using NetZero.Planning;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary>The report of a named model's plan.</summary>
internal static class ClusterPlanPage
{
    private const int Doublings = 6;

    public static PlanPage Of(ClusterPlan plan, ImplementationProfile profile, IReadOnlyList<Change> changes)
    {
        var (run, time) = (plan.Run, plan.Time);
        var page = new PlanPage($"{run.Model.Name} on {run.Layout.Ranks} x {plan.Cluster.Device.Name}")
            .Facts(
            [
                ("peak", $"{ByteSize.Show((long)plan.Memory.Total)} of {ByteSize.Show(plan.Cluster.Device.MemoryBytes)}, when {plan.Memory.Moment}: {(plan.Fits ? "fits" : "does not fit")}"),
                .. ClusterPlanText.Kinds(plan.Memory).Select(kind => (kind.Name, ByteSize.Show((long)kind.Bytes))),
                ("step", Text($"{RunPlanText.Duration(time.StepSeconds)}, {plan.TokensPerSecond:N0} tokens/s, {time.TokensPerSecondPerDevice:N0} a device, MFU {time.Mfu * 100:F1} %")),
                .. ClusterPlanText.Parts(time).Select(part => (part.Name.Replace('_', ' '), RunPlanText.Duration(part.Seconds))),
                ("limit", plan.LimitedBy),
            ])
            .Section("Time", "The simulated step of one rank, its first micro-batches.")
            .Figure(LanesFigure.Draw(time.Timeline));
        if (changes.Count > 0)
        {
            page.Section("Changes", plan.Fits ? "Single changes that make it faster." : "Single changes that make it fit.")
                .Table(["change", "tokens/s a device", "peak"], changes.Select(change => (string[])
                    [change.What, Text($"{change.Plan.Time.TokensPerSecondPerDevice:N0}"), ByteSize.Show((long)change.Plan.Memory.Total)]));
        }

        var sweep = SweepPoint.Of(Sweep.Of(run, plan.Cluster, profile).Select(swept => (Label(swept.Plan.Run), swept.Plan.Memory.Total, swept.Plan.TokensPerSecond, swept.Plan.Fits)));
        page.Section("Sweep", "Stages, groups, micro-batches, recomputation and dtypes with the step's samples.")
            .Figure(ParetoFigure.Draw(sweep, plan.Cluster.Device.MemoryBytes));

        var unit = run.Layout.Ranks / run.Layout.Data;
        int[] ranks = [.. Enumerable.Range(0, Doublings + 1).Select(doubling => unit << doubling).Where(count => run.ShardGroup == 0 || count / unit % run.ShardGroup == 0)];
        var samples = run.MicroBatch * run.MicroBatches * run.Layout.Data;
        return page.Section("Scaling", "The same step on other numbers of ranks.").Figure(ScalingFigure.Draw(
            ClusterPlanText.Curve(Scaling.Weak(run, plan.Cluster, ranks, profile)),
            ClusterPlanText.Curve(Scaling.Strong(run, plan.Cluster, [.. ranks.Where(count => samples % (count / unit) == 0)], profile))));
    }

    private static string Label(Workload run) =>
        $"stage {run.Stage}{(run.ShardGroup == 0 ? "" : $" in groups of {run.ShardGroup}")}, micro-batch {run.MicroBatch} x {run.MicroBatches}, recomputation {run.Recompute}, {run.Dtype}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
