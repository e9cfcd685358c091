namespace NetZero.Planning;

/// <summary>Tries the settings of a run on a cluster and marks those that nothing else beats in both memory and speed.</summary>
public static class Sweep
{
    private static readonly int[] _stages = [0, 1, 2, 3];
    private static readonly int[] _microBatches = [1, 2, 4, 8, 16];
    private static readonly Recompute[] _recomputations = [Recompute.None, Recompute.PerOp, Recompute.Full];

    /// <summary>Plans every combination of stage, hybrid group, micro-batch, recomputation and dtype that keeps the step's samples and can run; fastest first.</summary>
    /// <param name="run">The run; its samples a step, layout and model stay.</param>
    /// <param name="cluster">The machines.</param>
    /// <param name="profile">The system.</param>
    public static IReadOnlyList<SweptPlan> Of(Workload run, ClusterDescription cluster, ImplementationProfile? profile = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(cluster);
        var samples = run.MicroBatch * run.MicroBatches;
        var dtypes = new[] { run.Dtype, "fp8" }.Where(cluster.Device.PeakFlopsPerSecond.ContainsKey).Distinct();
        int[] groups = run.Layout.Replicas > cluster.DevicesPerNode && run.Layout.Replicas % cluster.DevicesPerNode == 0 && cluster.DevicesPerNode > 1
            ? [0, cluster.DevicesPerNode]
            : [0];
        var plans = (from stage in _stages
                     from shardGroup in stage == 0 ? [0] : groups
                     from microBatch in _microBatches
                     where samples % microBatch == 0
                     from recompute in _recomputations
                     from dtype in dtypes
                     select Planner.Plan(
                         run with
                         {
                             Stage = stage,
                             ShardGroup = shardGroup,
                             MicroBatch = microBatch,
                             MicroBatches = samples / microBatch,
                             Recompute = recompute,
                             Dtype = dtype,
                         },
                         cluster, profile)).ToArray();
        return [.. plans
            .Select(plan => new SweptPlan(plan, !plans.Any(other => Dominates(other, plan))))
            .OrderByDescending(swept => swept.Plan.Fits)
            .ThenBy(swept => swept.Plan.Time.StepSeconds)];
    }

    private static bool Dominates(ClusterPlan a, ClusterPlan b) =>
        a.Time.StepSeconds <= b.Time.StepSeconds && a.Memory.Total <= b.Memory.Total
        && (a.Time.StepSeconds < b.Time.StepSeconds || a.Memory.Total < b.Memory.Total);
}

/// <summary>One combination of a sweep.</summary>
/// <param name="Plan">What it takes and holds.</param>
/// <param name="IsPareto">Whether no other combination is at least as fast and holds at most as much.</param>
public sealed record SweptPlan(ClusterPlan Plan, bool IsPareto);
