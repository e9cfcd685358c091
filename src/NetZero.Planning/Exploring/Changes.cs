namespace NetZero.Planning;

/// <summary>A change to a run and what it would do.</summary>
/// <param name="What">The change, in words.</param>
/// <param name="Plan">The run with it.</param>
public sealed record Change(string What, ClusterPlan Plan);

/// <summary>Finds single changes that make a run fit, or faster.</summary>
public static class Changes
{
    /// <summary>The best of them: if the run does not fit, those that make it fit and cost least time; else the fastest that still fit.</summary>
    /// <param name="plan">The run as it is.</param>
    /// <param name="profile">The system.</param>
    /// <param name="most">How many.</param>
    public static IReadOnlyList<Change> Best(ClusterPlan plan, ImplementationProfile? profile = null, int most = 3)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return [.. Candidates(plan)
            .Select(candidate => Try(candidate.What, candidate.Run, plan.Cluster, profile))
            .OfType<Change>()
            .Where(change => change.Plan.Fits && (!plan.Fits || change.Plan.Time.TokensPerSecondPerDevice > plan.Time.TokensPerSecondPerDevice * 1.001))
            .OrderByDescending(change => change.Plan.Time.TokensPerSecondPerDevice)
            .Take(most)];
    }

    private static IEnumerable<(string What, Workload Run)> Candidates(ClusterPlan plan)
    {
        var run = plan.Run;
        for (var stage = 0; stage <= 3; stage++)
            if (stage != run.Stage)
                yield return ($"stage {stage}", run with { Stage = stage });
        foreach (var recompute in Enum.GetValues<Recompute>())
            if (recompute != run.Recompute)
                yield return (recompute == Recompute.None ? "no activation checkpointing" : $"activation checkpointing: {recompute}", run with { Recompute = recompute });
        if (run.MicroBatch % 2 == 0)
            yield return ($"micro-batch {run.MicroBatch / 2}, {run.MicroBatches * 2} of them", run with { MicroBatch = run.MicroBatch / 2, MicroBatches = run.MicroBatches * 2 });
        if (run.MicroBatches % 2 == 0)
            yield return ($"micro-batch {run.MicroBatch * 2}, {run.MicroBatches / 2} of them", run with { MicroBatch = run.MicroBatch * 2, MicroBatches = run.MicroBatches / 2 });
        if (run.Dtype != "fp8" && plan.Cluster.Device.PeakFlopsPerSecond.ContainsKey("fp8"))
            yield return ("fp8 products", run with { Dtype = "fp8" });
        if (!run.Compiled)
            yield return ("compiled", run with { Compiled = true });
        if (run.Stage > 0 && run.Layout.Replicas > plan.Cluster.DevicesPerNode && run.Layout.Replicas % plan.Cluster.DevicesPerNode == 0 && run.ShardGroup == 0)
            yield return ($"states shared over {plan.Cluster.DevicesPerNode} ranks", run with { ShardGroup = plan.Cluster.DevicesPerNode });
        if (plan.Cluster.HostBytesPerSecond > 0 && !run.Offload.HasFlag(Offload.Optimizer))
            yield return ("optimizer states in the host's memory", run with { Offload = run.Offload | Offload.Optimizer });
        yield return ($"{run.Layout.Ranks * 2} ranks", run with { Layout = run.Layout with { Data = run.Layout.Data * 2 } });
    }

    private static Change? Try(string what, Workload run, ClusterDescription cluster, ImplementationProfile? profile)
    {
        try
        {
            return new Change(what, Planner.Plan(run, cluster, profile));
        }
        catch (ArgumentException)
        {
            // A change that cannot run is none.
            return null;
        }
    }
}
