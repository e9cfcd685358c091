namespace NetZero.Planning;

/// <summary>Seconds that offloaded tiers add to a step, by <see cref="OffloadEfficiency"/>: transfers that compute does not hide.</summary>
internal static class OffloadTime
{
    /// <summary>Seconds of a step of which <paramref name="computeSeconds"/> compute.</summary>
    /// <exception cref="ArgumentException">The cluster does not say how fast the host's memory is reached.</exception>
    public static double Of(Workload run, ClusterDescription cluster, double computeSeconds)
    {
        if (run.Offload == Offload.None)
            return 0;
        if (cluster.HostBytesPerSecond <= 0)
            throw new ArgumentException($"cluster '{cluster.Name}' does not say how fast a device reaches its host's memory ('host_bytes_per_second'); without it nothing can be offloaded");

        // The device's speed while it computes, in the formula's count of FLOP.
        var step = run.MicroBatch * run.MicroBatches;
        var shares = run.Layout.Tensor * run.Layout.Pipeline * run.Layout.Context;
        var speed = OffloadEfficiency.StepFlopWithRecomputation(run.Model.ActiveParameters, run.Sequence, step) / shares / computeSeconds;
        var seconds = 0.0;

        // Each rank moves its share of the states; parameters move anew with each micro-batch.
        if (run.Offload.HasFlag(Offload.Parameters))
            seconds += Added(OffloadEfficiency.ParameterIntensity(run.Sequence, run.MicroBatch) * run.Shards);
        if (run.Offload.HasFlag(Offload.Optimizer))
            seconds += Added(OffloadEfficiency.OptimizerIntensity(run.Sequence, step) * (run.Stage >= 1 ? run.Shards : 1));
        if (run.Offload.HasFlag(Offload.Checkpoints))
            seconds += Added(OffloadEfficiency.ActivationCheckpointIntensity(run.Model.Hidden, 1));
        return seconds;

        double Added(double intensity) => computeSeconds * ((1 / OffloadEfficiency.Of(intensity, cluster.HostBytesPerSecond, speed)) - 1);
    }
}
