namespace NetZero.Checkpoints;

/// <summary>The files of one checkpoint, wherever they are kept: a folder, or a place in an object store. Safe for use by several threads.</summary>
public interface ICheckpointFiles : IDisposable
{
    /// <summary>What messages call the checkpoint: a folder's path, or <c>s3://BUCKET/PREFIX/step-000123</c>.</summary>
    string Path { get; }

    /// <summary>The most bytes that are worth asking for at once.</summary>
    int RangeBytes { get; }

    /// <summary>What messages call one of the files.</summary>
    string PathOf(string file);

    /// <summary>All that is there, by name; null where there is no such folder.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="CheckpointException">The store does not answer, or refuses; that is no damage.</exception>
    IReadOnlyDictionary<string, CheckpointFileEntry>? List();

    /// <summary>Fills <paramref name="destination"/> with the bytes of a file from <paramref name="offset"/> on.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read, or ends before.</exception>
    /// <exception cref="CheckpointException">The store does not answer, or refuses; that is no damage.</exception>
    void Read(string file, long offset, Span<byte> destination);
}

/// <summary>A file as a listing shows it.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written last.</param>
public readonly record struct CheckpointFileEntry(long Bytes, DateTimeOffset Written);
