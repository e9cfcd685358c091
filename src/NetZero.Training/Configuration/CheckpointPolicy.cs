using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>The section <c>checkpoint</c>: when the state of the run is saved, how, and which checkpoints stay.</summary>
public sealed record CheckpointPolicy
{
    /// <summary>Every how many steps; 0 is not by steps.</summary>
    public int EverySteps { get; init; }

    /// <summary>After how many minutes since the last save began, on rank 0's clock; 0 is not by time.</summary>
    public double EveryMinutes { get; init; }

    /// <summary>How many of the newest stay; 0 is all.</summary>
    public int KeepLast { get; init; }

    /// <summary>How many more stay because their validation loss is the lowest.</summary>
    public int KeepBest { get; init; }

    /// <summary>Whether training goes on while files are written.</summary>
    public bool Async { get; init; }

    /// <summary>The most bytes of a rank's copies from which files are written while training goes on; 0 is as many as the rank stores.</summary>
    public long SnapshotBudgetBytes { get; init; }

    /// <summary>The place in an object store, such as <c>s3://BUCKET/PREFIX</c>, that each checkpoint is sent to once it is in the run's folder; null for nowhere.</summary>
    public string? Store { get; init; }

    /// <summary>Whether a checkpoint that cannot be saved, or sent to the store, ends training.</summary>
    public bool StopOnFailure { get; init; }

    /// <summary>Whether checkpoints are saved at all. Then the last step is saved too, and the step at which a run is asked to stop.</summary>
    public bool IsOn => EverySteps > 0 || EveryMinutes > 0;

    /// <summary>The saver's part of it.</summary>
    internal SaverOptions ToOptions() => new() { Async = Async, SnapshotBudgetBytes = SnapshotBudgetBytes, KeepLast = KeepLast, KeepBest = KeepBest };
}
