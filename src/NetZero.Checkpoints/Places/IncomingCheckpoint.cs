namespace NetZero.Checkpoints;

/// <summary>A checkpoint that comes from elsewhere: its files are put beside its manifest, and it gets its name once all of it was verified.</summary>
public sealed class IncomingCheckpoint : IDisposable
{
    private readonly CheckpointFolder _folder;
    private readonly string _partial;
    private bool _completed;

    internal IncomingCheckpoint(CheckpointFolder folder, long step, byte[] manifest)
    {
        _folder = folder;
        Manifest = ManifestFile.Parse(CheckpointManifest.FileName, manifest);
        if (Manifest.Step != step)
            throw new CheckpointException(CheckpointManifest.FileName, $"is of step {Manifest.Step}, expected {step}");
        _partial = folder.Begin(step);
        DurableFile.Write(Path.Combine(_partial, CheckpointManifest.FileName), manifest);
    }

    /// <summary>What it says about itself.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>Where one of its files belongs; whoever writes it flushes it.</summary>
    public string PathOf(CheckpointFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Path.Combine(_partial, file.Name);
    }

    /// <summary>Verifies every block and gives the checkpoint its name.</summary>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public string Complete(CancellationToken cancellation = default)
    {
        using (var reader = CheckpointReader.Open(_partial))
            reader.Verify(damage => throw new CheckpointException(damage, inner: null), cancellation);
        _folder.Commit(Manifest.Step);
        _completed = true;
        return _folder.Of(Manifest.Step);
    }

    /// <summary>Removes what came, unless it is complete.</summary>
    public void Dispose()
    {
        if (!_completed)
            _folder.Abandon(Manifest.Step);
    }
}
