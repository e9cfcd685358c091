namespace NetZero.Planning;

/// <summary>One point of a scaling curve.</summary>
/// <param name="Ranks">Ranks.</param>
/// <param name="Plan">The step there.</param>
public sealed record ScalingPoint(int Ranks, ClusterPlan Plan);

/// <summary>How a run scales over data-parallel ranks.</summary>
public static class Scaling
{
    /// <summary>Weak scaling: the work of each rank stays, so the batch grows.</summary>
    public static IReadOnlyList<ScalingPoint> Weak(Workload run, ClusterDescription cluster, IReadOnlyList<int> ranks, ImplementationProfile? profile = null) =>
        Of(cluster, ranks, profile, data => run with { Layout = run.Layout with { Data = data } }, run);

    /// <summary>Strong scaling: the batch stays, so each rank has less of it.</summary>
    /// <exception cref="ArgumentException">A number of ranks that does not divide the batch.</exception>
    public static IReadOnlyList<ScalingPoint> Strong(Workload run, ClusterDescription cluster, IReadOnlyList<int> ranks, ImplementationProfile? profile = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        var batch = run.MicroBatch * run.MicroBatches * run.Layout.Data;
        return Of(cluster, ranks, profile, data => Divided(run, batch, data), run);
    }

    private static Workload Divided(Workload run, int batch, int data)
    {
        if (batch % data != 0)
            throw new ArgumentException($"a batch of {batch} samples does not divide over {data} data-parallel ranks");
        var samples = batch / data;
        var microBatch = Enumerable.Range(1, run.MicroBatch).Last(size => samples % size == 0);
        return run with { Layout = run.Layout with { Data = data }, MicroBatch = microBatch, MicroBatches = samples / microBatch };
    }

    private static IReadOnlyList<ScalingPoint> Of(
        ClusterDescription cluster, IReadOnlyList<int> ranks, ImplementationProfile? profile, Func<int, Workload> at, Workload run)
    {
        var others = run.Layout.Ranks / run.Layout.Data;
        var points = new List<ScalingPoint>();
        foreach (var count in ranks)
        {
            if (count % others != 0)
                throw new ArgumentException($"{count} ranks are not a multiple of the {others} that tensor, pipeline and context parallelism take");
            points.Add(new ScalingPoint(count, Planner.Plan(at(count / others), cluster, profile)));
        }

        return points;
    }
}
