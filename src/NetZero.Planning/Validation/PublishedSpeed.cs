namespace NetZero.Planning;

/// <summary>A row's speed in one unit, tokens per second and device, whatever was published.</summary>
internal static class PublishedSpeed
{
    // Forward, recomputed forward and backward are 4 parts where 3 are needed.
    private const double RecomputedPerModelFlop = 4.0 / 3;

    /// <summary>Tokens per second and device; 0 where no speed was published.</summary>
    public static double Of(PublishedRow row, Workload run, ClusterDescription cluster)
    {
        if (row.Measured("tokens_per_s_per_gpu") is > 0 and var tokens)
            return tokens;
        if (row.Measured("step_s") is > 0 and var seconds && row.Number("global_batch_tokens") is > 0 and var batch && row.Number("devices") is > 0 and var devices)
            return batch / seconds / devices;
        var flops = run.Model.FlopsPerToken(run.Sequence);
        if (row.Measured("tflops_per_gpu") is > 0 and var tera)
            return tera * 1e12 / flops / (CountsRecomputation(row) && run.Recompute == Recompute.Full ? RecomputedPerModelFlop : 1);
        return row.Measured("mfu_pct") / 100 * cluster.Device.WidePeak / flops;
    }

    // These count what is computed, not what the model needs.
    private static bool CountsRecomputation(PublishedRow row) =>
        row.Notes.Contains("HFU", StringComparison.Ordinal) || row.Notes.Contains("counts recompute", StringComparison.OrdinalIgnoreCase)
        || row.Notes.Contains("hardware FLOPs", StringComparison.OrdinalIgnoreCase);
}
