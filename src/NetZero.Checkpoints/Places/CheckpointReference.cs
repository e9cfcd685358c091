namespace NetZero.Checkpoints;

/// <summary>One checkpoint somewhere, not opened and perhaps damaged.</summary>
public sealed class CheckpointReference
{
    private readonly Func<ICheckpointFiles> _files;

    private CheckpointReference(ICheckpointPlace place, string path, string name, Func<ICheckpointFiles> files)
    {
        Place = place;
        Path = path;
        Name = name;
        _files = files;
    }

    /// <summary>The place that it is in.</summary>
    public ICheckpointPlace Place { get; }

    /// <summary>What messages call it, in full.</summary>
    public string Path { get; }

    /// <summary>Its name in the place, such as <c>step-000123</c>.</summary>
    public string Name { get; }

    /// <summary>The step that its name says; -1 where it says none.</summary>
    public long Step => CheckpointFolder.TryStep(Name, out var step) ? step : -1;

    /// <summary>The checkpoint of a step.</summary>
    public static CheckpointReference To(ICheckpointPlace place, long step)
    {
        ArgumentNullException.ThrowIfNull(place);
        return new CheckpointReference(place, place.Of(step), CheckpointFolder.NameOf(step), () => place.Files(step));
    }

    /// <summary>The checkpoint in a folder, whatever its name is.</summary>
    public static CheckpointReference ToFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return new CheckpointReference(
            new CheckpointFolder(System.IO.Path.GetDirectoryName(path) ?? path), path, System.IO.Path.GetFileName(path), () => new FolderFiles(path));
    }

    /// <summary>Opens it.</summary>
    /// <exception cref="CheckpointException">Something is wrong; named.</exception>
    public CheckpointReader Open() => CheckpointReader.Open(_files());
}
