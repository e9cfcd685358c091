namespace NetZero.Checkpoints;

/// <summary>What a path that a person gave names: a checkpoint, a folder of checkpoints, or a run's folder.</summary>
/// <param name="Folder">The folder of checkpoints, or the one around the checkpoint.</param>
/// <param name="Checkpoints">The checkpoint, or those of the folder, newest first; sound or not, at least one.</param>
/// <param name="IsOne">Whether one checkpoint was named.</param>
public sealed record CheckpointLocation(CheckpointFolder Folder, IReadOnlyList<string> Checkpoints, bool IsOne)
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
            return new CheckpointLocation(new CheckpointFolder(Path.GetDirectoryName(path) ?? path), [path], IsOne: true);
        foreach (var folder in (CheckpointFolder[])[new(path), new(Path.Combine(path, FolderName))])
        {
            if (folder.Steps() is { Count: > 0 } steps)
                return new CheckpointLocation(folder, [.. steps.Select(folder.Of)], IsOne: false);
        }

        return null;
    }
}
