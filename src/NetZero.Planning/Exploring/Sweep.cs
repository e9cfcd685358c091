namespace NetZero.Planning;

/// <summary>Tries the settings of a run on a cluster and marks those that nothing else beats in both memory and speed.</summary>
public static class Sweep
{
    private static readonly int[] NoGroups = [0];
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

        // One type a width: bf16 and fp16 cost the same.
        var peaks = cluster.Device.PeakFlopsPerSecond;
        var dtypes = new[] { run.Dtype, run.Dtype == "fp16" || !peaks.ContainsKey("bf16") ? "fp16" : "bf16", "fp8", "fp32" }.Where(peaks.ContainsKey).Distinct().ToArray();
        var inNode = Math.Clamp(cluster.DevicesPerNode / (run.Layout.Tensor * run.Layout.Pipeline), 1, run.Layout.Replicas);
        int[] groups = [.. HybridGroups.Of(run.Layout.Replicas, inNode).Append(run.ShardGroup).Distinct().Order()];
        var plans = (from stage in _stages
                     from shardGroup in stage == 0 ? NoGroups : groups
                     from microBatch in _microBatches.Append(run.MicroBatch).Distinct()
                     where samples % microBatch == 0
                     from recompute in _recomputations
                     from dtype in dtypes
                     select Try(
                         run with
                         {
                             Stage = stage,
                             ShardGroup = shardGroup,
                             MicroBatch = microBatch,
                             MicroBatches = samples / microBatch,
                             Recompute = recompute,
                             Dtype = dtype,
                         },
                         cluster, profile)).OfType<ClusterPlan>().ToArray();
        return [.. plans
            .Select(plan => new SweptPlan(plan, !plans.Any(other => Dominates(other, plan))))
            .OrderByDescending(swept => swept.Plan.Fits)
            .ThenBy(swept => swept.Plan.Time.StepSeconds)];
    }

    private static ClusterPlan? Try(Workload run, ClusterDescription cluster, ImplementationProfile? profile)
    {
        try
        {
            return Planner.Plan(run, cluster, profile);
        }
        catch (ArgumentException)
        {
            // Offloaded parameters need stage 3, offloaded checkpoints recomputation: such combinations cannot run.
            return null;
        }
    }

    private static bool Dominates(ClusterPlan a, ClusterPlan b) =>
        a.Time.StepSeconds <= b.Time.StepSeconds && a.Memory.Total <= b.Memory.Total
        && (a.Time.StepSeconds < b.Time.StepSeconds || a.Memory.Total < b.Memory.Total);
}

/// <summary>One combination of a sweep.</summary>
/// <param name="Plan">What it takes and holds.</param>
/// <param name="IsPareto">Whether no other combination is at least as fast and holds at most as much.</param>
public sealed record SweptPlan(ClusterPlan Plan, bool IsPareto);
