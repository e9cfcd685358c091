using NetZero.Checkpoints;

namespace NetZero.Stores;

/// <summary>The files of one checkpoint in an object store, read by ranges: who needs a part of the state fetches the blocks that it lies in.</summary>
/// <param name="objects">The store.</param>
/// <param name="path">What messages call the checkpoint.</param>
/// <param name="prefix">What the keys of its objects begin with.</param>
/// <param name="rangeBytes">Bytes of one request.</param>
internal sealed class S3CheckpointFiles(S3Objects objects, string path, string prefix, long rangeBytes) : ICheckpointFiles
{
    public string Path => path;

    public int RangeBytes => (int)Math.Min(rangeBytes, 1 << 30);

    public string PathOf(string file) => $"{path}/{file}";

    public IReadOnlyDictionary<string, CheckpointFileEntry>? List() => Ask(async () =>
        (await objects.ListAsync(prefix, default).ConfigureAwait(false)).ToDictionary(o => o.Key[prefix.Length..], o => new CheckpointFileEntry(o.Bytes, o.Written), StringComparer.Ordinal));

    public void Read(string file, long offset, Span<byte> destination)
    {
        // A range of no bytes cannot be asked for.
        if (destination.IsEmpty)
            return;
        var length = destination.Length;
        Ask(() => objects.ReadAsync(prefix + file, default, (offset, length))).CopyTo(destination);
    }

    public void Dispose()
    {
        // The client is the store's.
    }

    // A store that does not answer is no damage: another checkpoint of it would not come either. A file that is gone is.
    private T Ask<T>(Func<Task<T>> ask)
    {
        try
        {
            return Task.Run(() => objects.AnswerAsync(ask, default)).GetAwaiter().GetResult();
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            throw new CheckpointException(path, $"cannot be read: {e.Message}", e) { IsDamage = false };
        }
    }
}
