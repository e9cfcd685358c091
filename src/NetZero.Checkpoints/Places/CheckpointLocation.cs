namespace NetZero.Checkpoints;

/// <summary>What a path that a person gave names: a checkpoint, a folder of checkpoints, a run's folder, or the same in a store.</summary>
/// <param name="Place">The place with the checkpoints, or the one around the checkpoint.</param>
/// <param name="Checkpoints">The checkpoint, or those of the place, newest first; sound or not, at least one.</param>
/// <param name="IsOne">Whether one checkpoint was named.</param>
public sealed record CheckpointLocation(ICheckpointPlace Place, IReadOnlyList<CheckpointReference> Checkpoints, bool IsOne)
{
    /// <summary>The folder of checkpoints in a run's folder.</summary>
    public const string FolderName = "checkpoints";

    /// <summary>Finds what <paramref name="path"/> names; null where it names none of these, or holds no checkpoint.</summary>
    public static CheckpointLocation? Find(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (!Directory.Exists(path))
            return null;
        if (File.Exists(Path.Combine(path, CheckpointManifest.FileName)) || CheckpointFolder.TryStep(Path.GetFileName(path), out _))
        {
            var one = CheckpointReference.ToFolder(path);
            return new CheckpointLocation(one.Place, [one], IsOne: true);
        }

        return Of(new CheckpointFolder(path)) ?? Of(new CheckpointFolder(Path.Combine(path, FolderName)));
    }

    /// <summary>The same in a store: of <paramref name="step"/>, or all; null where there is none.</summary>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    public static CheckpointLocation? Find(ICheckpointStore store, long? step)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (step is not { } number)
            return Of(store);
        return store.Steps().Contains(number) ? new CheckpointLocation(store, [CheckpointReference.To(store, number)], IsOne: true) : null;
    }

    private static CheckpointLocation? Of(ICheckpointPlace place) => place.Steps() is { Count: > 0 } steps
        ? new CheckpointLocation(place, [.. steps.Select(step => CheckpointReference.To(place, step))], IsOne: false)
        : null;
}
