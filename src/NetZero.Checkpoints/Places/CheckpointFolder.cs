using System.Globalization;

namespace NetZero.Checkpoints;

/// <summary>The folder that holds a run's checkpoints: <c>step-000123</c>, ..., and <c>latest</c>, a line with the name of the one that was completed last.</summary>
/// <remarks>
/// Note: what a crash leaves. A checkpoint is written as <c>.step-000123.partial</c>, flushed, and renamed when it is complete; one that goes is renamed before it is
/// removed. So a folder of the name <c>step-N</c> is whole at any instant, and what else a crash may leave begins with a dot and is removed by the next save.
/// </remarks>
/// <param name="path">The folder; it need not exist.</param>
public sealed class CheckpointFolder(string path) : ICheckpointPlace
{
    private const string Prefix = "step-";
    private const string PartialSuffix = ".partial";
    private const string RemovedSuffix = ".removed";
    private const string AsidePrefix = "aside-";
    private const string TemporarySuffix = ".tmp";
    private const string LatestFile = "latest";

    /// <summary>The folder.</summary>
    public string FullPath { get; } = Path.GetFullPath(path);

    /// <summary>The checkpoint of a step.</summary>
    public string Of(long step) => Path.Combine(FullPath, NameOf(step));

    /// <summary>The steps that there are checkpoints of, sound or not, newest first.</summary>
    public IReadOnlyList<long> Steps()
    {
        var steps = new List<long>();
        if (Directory.Exists(FullPath))
        {
            foreach (var folder in Directory.EnumerateDirectories(FullPath, Prefix + "*"))
                if (TryStep(Path.GetFileName(folder), out var step))
                    steps.Add(step);
        }
        steps.Sort((a, b) => b.CompareTo(a));
        return steps;
    }

    /// <inheritdoc/>
    public ICheckpointFiles Files(long step) => new FolderFiles(Of(step));

    /// <summary>The step that a checkpoint's folder is named after.</summary>
    public static bool TryStep(string name, out long step)
    {
        ArgumentNullException.ThrowIfNull(name);
        step = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out step) && NameOf(step) == name;
    }

    /// <summary>The name of a step's checkpoint.</summary>
    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D6}");

    /// <summary>Begins to take a checkpoint from elsewhere.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="manifest">Its manifest, as bytes.</param>
    /// <exception cref="CheckpointException">The manifest is damaged, or of another step.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public IncomingCheckpoint Receive(long step, byte[] manifest) => new(this, step, manifest);

    /// <summary>Removes a checkpoint.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public void Remove(long step)
    {
        if (MoveAway(step) is not { } removed)
            throw new DirectoryNotFoundException($"there is no {Of(step)}");
        DeleteIfThere(removed);
    }

    /// <summary>Renames a checkpoint so that it is none of the run's any more: damaged, or of steps that the run takes once more. Its files stay.</summary>
    /// <returns>Its new name.</returns>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public string SetAside(long step)
    {
        var name = AsidePrefix + NameOf(step);
        for (var i = 2; Path.Exists(Path.Combine(FullPath, name)); i++)
            name = $"{AsidePrefix}{NameOf(step)}-{i}";
        Directory.Move(Of(step), Path.Combine(FullPath, name));
        return name;
    }

    /// <summary>Removes all that a run has left here, and the folder if nothing else is in it.</summary>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public void Clear()
    {
        foreach (var _ in Clearing())
        {
        }
    }

    /// <summary>The same, a change of the file system each time that the next is asked for: the newest checkpoint is there until all
    /// others are gone.</summary>
    /// <returns>What was removed.</returns>
    public IEnumerable<string> Clearing()
    {
        if (!Directory.Exists(FullPath))
            yield break;
        foreach (var pattern in (string[])[$".{Prefix}*", $"{AsidePrefix}{Prefix}*"])
        {
            foreach (var folder in Directory.GetDirectories(FullPath, pattern))
            {
                DeleteIfThere(folder);
                yield return folder;
            }
        }

        foreach (var step in Steps().Reverse())
        {
            Remove(step);
            yield return Of(step);
        }

        foreach (var name in (string[])[LatestFile, LatestFile + TemporarySuffix])
        {
            File.Delete(Path.Combine(FullPath, name));
            yield return Path.Combine(FullPath, name);
        }

        if (!Directory.EnumerateFileSystemEntries(FullPath).Any())
            Directory.Delete(FullPath);
        yield return FullPath;
    }

    /// <summary>Begins a checkpoint: an empty folder in which ranks write, and nothing left of what a crash cut short.</summary>
    internal string Begin(long step)
    {
        Directory.CreateDirectory(FullPath);
        foreach (var folder in Directory.EnumerateDirectories(FullPath, $".{Prefix}*"))
            if (folder.EndsWith(PartialSuffix, StringComparison.Ordinal) || folder.EndsWith(RemovedSuffix, StringComparison.Ordinal))
                DeleteIfThere(folder);
        var partial = Partial(step);
        Directory.CreateDirectory(partial);
        return partial;
    }

    /// <summary>Where a checkpoint is written before it is complete.</summary>
    internal string Partial(long step) => Path.Combine(FullPath, $".{NameOf(step)}{PartialSuffix}");

    /// <summary>Gives up a checkpoint that was begun.</summary>
    internal void Abandon(long step) => DeleteIfThere(Partial(step));

    /// <summary>Gives a complete checkpoint its name. The manifest was written last; <c>latest</c> changes after everything else.</summary>
    internal void Commit(long step)
    {
        var partial = Partial(step);
        DirectorySync.Flush(partial);
        var replaced = MoveAway(step);
        try
        {
            Directory.Move(partial, Of(step));
        }
        catch (Exception e) when (replaced is not null && e is IOException or UnauthorizedAccessException)
        {
            Directory.Move(replaced!, Of(step));
            throw;
        }

        DirectorySync.Flush(FullPath);
        WriteLatest(step);

        // The older one of this step, now that the new one is there for certain.
        if (replaced is not null)
            DeleteIfThere(replaced);
    }

    // Renames the checkpoint of a step, if there is one, to what the next save removes.
    private string? MoveAway(long step)
    {
        if (!Directory.Exists(Of(step)))
            return null;
        var removed = Path.Combine(FullPath, $".{NameOf(step)}{RemovedSuffix}");
        DeleteIfThere(removed);
        Directory.Move(Of(step), removed);
        return removed;
    }

    private void WriteLatest(long step)
    {
        var latest = Path.Combine(FullPath, LatestFile);
        var temporary = latest + TemporarySuffix;
        DurableFile.Write(temporary, System.Text.Encoding.UTF8.GetBytes(NameOf(step) + "\n"));
        File.Move(temporary, latest, overwrite: true);
        DirectorySync.Flush(FullPath);
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
