namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>checkpoint</c>.</summary>
internal static class CheckpointPolicyKeys
{
    private static readonly (Func<CheckpointPolicy, bool> Applies, string Where) On = (c => c.IsOn, "checkpoint.every_steps or checkpoint.every_minutes above 0");

    /// <summary>The section itself.</summary>
    public static readonly Section<CheckpointPolicy> Section = new(
        new ValueKey<CheckpointPolicy, int>(
            "every_steps", new WholeNumber<int>(0), c => c.EverySteps, (c, v) => c with { EverySteps = v },
            "Every how many steps a checkpoint is saved, and after the last one; 0 is not by steps."),
        new ValueKey<CheckpointPolicy, double>(
            "every_minutes", new RealNumber(0), c => c.EveryMinutes, (c, v) => c with { EveryMinutes = v },
            "After how many minutes since the last save began a checkpoint is saved, at the end of a step; 0 is not by time."),
        new ValueKey<CheckpointPolicy, int>(
            "keep_last", new WholeNumber<int>(0), c => c.KeepLast, (c, v) => c with { KeepLast = v }, "How many of the newest checkpoints stay; 0 is all.")
        { Only = On },
        new ValueKey<CheckpointPolicy, int>(
            "keep_best", new WholeNumber<int>(0), c => c.KeepBest, (c, v) => c with { KeepBest = v },
            "How many more stay because their validation loss is the lowest; each save then evaluates.")
        { Only = (c => c.IsOn && c.KeepLast > 0, "checkpoint.keep_last above 0, without which all stay") },
        new ValueKey<CheckpointPolicy, bool>(
            "async", new Flag(), c => c.Async, (c, v) => c with { Async = v }, "Whether training goes on while files are written, from copies in memory.")
        { Only = On },
        new ValueKey<CheckpointPolicy, long>(
            "snapshot_budget", new ByteCount(), c => c.SnapshotBudgetBytes, (c, v) => c with { SnapshotBudgetBytes = v },
            "The most bytes of a rank's copies, such as \"2GiB\"; what does not fit is written before training goes on. 0 is as much as the rank stores.")
        { Only = (c => c.IsOn && c.Async, "checkpoint.async true") },
        new ValueKey<CheckpointPolicy, bool>(
            "stop_on_failure", new Flag(), c => c.StopOnFailure, (c, v) => c with { StopOnFailure = v },
            "Whether a checkpoint that cannot be saved, or sent to the store, ends training; otherwise it is reported.")
        { Only = On },
        new ValueKey<CheckpointPolicy, string?>(
            "store", new PathText(), c => c.Store, (c, v) => c with { Store = v },
            "The place in an object store that each checkpoint is sent to once it is in the run's folder, such as \"s3://BUCKET/PREFIX\".")
        { Only = On });
}
