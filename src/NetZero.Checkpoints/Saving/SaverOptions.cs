namespace NetZero.Checkpoints;

/// <summary>How checkpoints are saved.</summary>
public sealed record SaverOptions
{
    /// <summary>Whether training goes on while files are written: from copies that are made first.</summary>
    public bool Async { get; init; }

    /// <summary>The most bytes of a rank's copies; what does not fit is written before training goes on. 0 is as much as the rank stores.</summary>
    public long SnapshotBudgetBytes { get; init; }

    /// <summary>How many of the newest checkpoints stay; 0 is all.</summary>
    public int KeepLast { get; init; }

    /// <summary>How many more stay because their validation loss is the lowest.</summary>
    public int KeepBest { get; init; }

    /// <summary>Where each checkpoint is sent once it is in the folder; null for nowhere. Whoever opened it disposes it.</summary>
    public ICheckpointStore? Store { get; init; }
}

/// <summary>What became of a save.</summary>
/// <param name="Step">The checkpoint's step.</param>
/// <param name="Path">Its folder.</param>
/// <param name="Bytes">Bytes of all its files; 0 where it failed.</param>
/// <param name="Seconds">From its beginning to its end.</param>
/// <param name="Failure">Why there is no such checkpoint, or what went wrong beside it; null where nothing did.</param>
public sealed record SaveReport(long Step, string Path, long Bytes, double Seconds, string? Failure)
{
    /// <summary>Where it is in the store; null where there is no store, or it could not be sent.</summary>
    public string? Stored { get; init; }

    /// <summary>Whether there is a store, and it does not have the checkpoint; <see cref="Failure"/> says why.</summary>
    public bool StoreFailed { get; init; }
}
