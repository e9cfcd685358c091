using System.Globalization;
using NetZero.Planning;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The report of a configuration's plan.</summary>
internal static class RunPlanPage
{
    // Curves go on for as many doublings beyond the run as there are points worth a look.
    private const int Doublings = 6;

    public static PlanPage Of(RunConfiguration run, ProgramPlan plan, IReadOnlyList<PlannedVariant> changes)
    {
        var page = new PlanPage($"A training step on {ProgressText.Count(plan.Sharding.Ranks, "rank")}, {plan.Sharding.Policy.Title}")
            .Facts(RunPlanText.Facts(plan).Select(fact => (fact.Name.Trim(), fact.Value)))
            .Section("Memory", "Bytes by kind on one rank over the events of a step: the run's own program, executed without memory, so exact.")
            .Figure(MemoryFigure.Draw(plan.Sharding))
            .Section("Time", "What the rank does when. On a host ranks move bytes themselves, so communication lies among compute.")
            .Figure(LanesFigure.Draw(plan.Time.Timeline));
        if (changes.Count > 0)
        {
            page.Section("Changes", plan.Fits ? "Single changes that make it faster." : "Single changes that make it fit.")
                .Table(["--set", "tokens/s", "peak"], changes.Select(change => (string[])
                    [change.What, change.Plan.TokensPerSecond.ToString("N0", CultureInfo.InvariantCulture), ByteSize.Show(change.Plan.Sharding.Highest.Total)]));
        }

        var sweep = RunPlanText.Points(RunVariants.Sweep(run, plan.Cluster));
        page.Section("Sweep", "Stages, hybrid groups, micro-batches, checkpointing and precision with the step's samples.")
            .Figure(ParetoFigure.Draw(sweep, plan.BytesOfRank))
            .Table(["on the front", "tokens/s", "peak", "fits"], sweep.Where(point => point.IsPareto).Select(point => (string[])
                [point.Label, point.TokensPerSecond.ToString("N0", CultureInfo.InvariantCulture), ByteSize.Show((long)point.PeakBytes), point.Fits ? "yes" : "no"]));

        int[] ranks = [.. Enumerable.Range(0, Doublings + 1).Select(doubling => run.Ranks << doubling)];
        var weak = RunPlanText.Curve(RunVariants.Weak(run, plan.Cluster, ranks));
        var strong = RunPlanText.Curve(RunVariants.Strong(run, plan.Cluster, [.. ranks.Where(count => run.TrainBatchSize % count == 0)]));
        return page.Section("Scaling", "The same step on more ranks.").Figure(ScalingFigure.Draw(weak, strong));
    }
}
