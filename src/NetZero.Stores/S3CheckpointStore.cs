using Amazon.S3;
using NetZero.Checkpoints;

namespace NetZero.Stores;

/// <summary>Checkpoints in an S3-compatible object store, as objects <c>PREFIX/step-000123/FILE</c>.</summary>
/// <remarks>
/// Note: what is complete. Object stores have no renaming, so <c>checkpoint.json</c> is written last and removed first: a step without it is no checkpoint. Files are sent in
/// parts and fetched by ranges, both several at a time; whatever fails on the way is tried again, and every block is verified against the manifest in the end.
/// </remarks>
public sealed class S3CheckpointStore : ICheckpointStore
{
    /// <summary>Large enough that a part takes longer than its request. S3 takes 10,000 of them: files of more than 160 GiB are sent in
    /// larger ones.</summary>
    public const long DefaultPartBytes = 16 << 20;

    // The manifest of a checkpoint that was set aside.
    private const string AsideFile = "aside.json";

    private const int RangesAtATime = 4;

    private readonly S3Location _location;
    private readonly S3Objects _objects;
    private readonly long _partBytes;

    /// <summary>Opens a place in a store; nothing is asked of the store yet.</summary>
    /// <param name="client">The store's client, which is disposed with this.</param>
    /// <param name="location">Where the checkpoints are.</param>
    /// <param name="partBytes">Bytes of one part or range.</param>
    public S3CheckpointStore(IAmazonS3 client, S3Location location, long partBytes = DefaultPartBytes)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(location);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(partBytes);
        _location = location;
        _objects = new S3Objects(client, location);
        _partBytes = partBytes;
    }

    /// <summary>How long an answer that has begun may bring nothing before it is asked for again.</summary>
    internal TimeSpan LongestSilence
    {
        init => _objects = new S3Objects(_objects.Client, _location) { LongestSilence = value };
    }

    /// <inheritdoc/>
    public string FullPath => _location.ToString();

    /// <summary>Opens the place that <paramref name="path"/> names, with a client as the environment says: <see cref="S3Location.Client"/>.</summary>
    /// <param name="path"><c>s3://BUCKET/PREFIX</c>, or a checkpoint there, <c>s3://BUCKET/PREFIX/step-000123</c>.</param>
    /// <returns>The place, and the step if one was named.</returns>
    /// <exception cref="FormatException">It is no such path.</exception>
    public static (ICheckpointStore Store, long? Step) Open(string path)
    {
        var (place, step) = Split(S3Location.Parse(path));
        return (new S3CheckpointStore(S3Location.Client(), place), step);
    }

    /// <summary>The place around a checkpoint, and its step; or the place, if it is none.</summary>
    internal static (S3Location Place, long? Step) Split(S3Location location)
    {
        var path = location.Prefix.TrimEnd('/');
        var slash = path.LastIndexOf('/') + 1;
        return CheckpointFolder.TryStep(path[slash..], out var step) ? (location with { Prefix = path[..slash] }, step) : (location, null);
    }

    /// <inheritdoc/>
    public string Of(long step) => $"{_location}{CheckpointFolder.NameOf(step)}";

    /// <inheritdoc/>
    public IReadOnlyList<long> Steps() => Ask(async () =>
    {
        var steps = new List<long>();
        foreach (var (key, _, _) in await _objects.ListAsync(_location.Prefix, default).ConfigureAwait(false))
        {
            if (key[_location.Prefix.Length..].Split('/') is [var folder, CheckpointManifest.FileName] && CheckpointFolder.TryStep(folder, out var step))
                steps.Add(step);
        }

        return steps.OrderDescending().ToList();
    });

    /// <inheritdoc/>
    public ICheckpointFiles Files(long step) => new S3CheckpointFiles(_objects, Of(step), Prefix(step), _partBytes);

    /// <inheritdoc/>
    public Task<long> PushAsync(string checkpoint, CancellationToken cancellation = default) => _objects.AnswerAsync(async () =>
    {
        using var reader = CheckpointReader.Open(checkpoint);
        var prefix = Prefix(reader.Manifest.Step);
        var manifest = await File.ReadAllBytesAsync(Path.Combine(checkpoint, CheckpointManifest.FileName), cancellation).ConfigureAwait(false);
        var there = (await _objects.ListAsync(prefix, cancellation).ConfigureAwait(false)).Select(o => o.Key[prefix.Length..]).ToHashSet(StringComparer.Ordinal);
        if (there.Contains(CheckpointManifest.FileName))
        {
            if ((await _objects.ReadAsync(prefix + CheckpointManifest.FileName, cancellation).ConfigureAwait(false)).AsSpan().SequenceEqual(manifest))
                return 0;

            // Another checkpoint of the same step: it goes before any of its files is replaced.
            await _objects.RemoveAsync(prefix + CheckpointManifest.FileName, cancellation).ConfigureAwait(false);
        }

        // Of another attempt, by other ranks perhaps: what does not belong to this checkpoint would be damage to it.
        foreach (var name in there.Except(reader.Manifest.Files.Select(f => f.Name)).Where(name => name != CheckpointManifest.FileName))
            await _objects.RemoveAsync(prefix + name, cancellation).ConfigureAwait(false);

        // Of an attempt that was cut off whole files may be there. Which checkpoint they are of is not said, so only parts are used again.
        var upload = new S3Upload(_objects.Client, _location.Bucket, _partBytes);
        var sent = (long)manifest.Length;
        foreach (var file in reader.Manifest.Files)
            sent += await upload.SendAsync(Path.Combine(checkpoint, file.Name), prefix + file.Name, cancellation).ConfigureAwait(false);
        await _objects.WriteAsync(prefix + CheckpointManifest.FileName, manifest, cancellation).ConfigureAwait(false);
        return sent;
    }, cancellation);

    /// <inheritdoc/>
    public Task<string> PullAsync(long step, CheckpointFolder into, CancellationToken cancellation = default) => _objects.AnswerAsync(async () =>
    {
        ArgumentNullException.ThrowIfNull(into);
        var prefix = Prefix(step);
        using var incoming = into.Receive(step, await _objects.ReadAsync(prefix + CheckpointManifest.FileName, cancellation).ConfigureAwait(false));
        foreach (var file in incoming.Manifest.Files)
        {
            using var target = File.OpenHandle(incoming.PathOf(file), FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, file.Bytes);
            var ranges = (int)((file.Bytes + _partBytes - 1) / _partBytes);
            await Parallel.ForEachAsync(
                Enumerable.Range(0, ranges), new ParallelOptions { MaxDegreeOfParallelism = RangesAtATime, CancellationToken = cancellation },
                async (i, stop) =>
                {
                    var start = i * _partBytes;
                    var bytes = await _objects.ReadAsync(prefix + file.Name, stop, (start, Math.Min(_partBytes, file.Bytes - start))).ConfigureAwait(false);
                    await RandomAccess.WriteAsync(target, bytes, start, stop).ConfigureAwait(false);
                }).ConfigureAwait(false);
            RandomAccess.FlushToDisk(target);
        }

        return incoming.Complete(cancellation);
    }, cancellation);

    /// <inheritdoc/>
    public void Remove(long step) => Ask(async () =>
    {
        var keys = (await _objects.ListAsync(Prefix(step), default).ConfigureAwait(false)).Select(o => o.Key).ToArray();
        await RemoveAsync(keys, default).ConfigureAwait(false);
        return keys.Length;
    });

    /// <inheritdoc/>
    /// <remarks>The manifest gets another name, and the files stay until a checkpoint of this step is sent again.</remarks>
    public string SetAside(long step) => Ask(async () =>
    {
        var prefix = Prefix(step);
        await _objects.WriteAsync(prefix + AsideFile, await _objects.ReadAsync(prefix + CheckpointManifest.FileName, default).ConfigureAwait(false), default).ConfigureAwait(false);
        await _objects.RemoveAsync(prefix + CheckpointManifest.FileName, default).ConfigureAwait(false);
        return $"{CheckpointFolder.NameOf(step)}/{AsideFile}";
    });

    /// <inheritdoc/>
    public Task RemoveLeftoversAsync(long step, CancellationToken cancellation = default) => _objects.AnswerAsync(async () =>
    {
        var prefix = _location.Prefix;
        await new S3Upload(_objects.Client, _location.Bucket, _partBytes).AbandonAsync(prefix, key => IsBefore(key), cancellation).ConfigureAwait(false);
        foreach (var folder in (await _objects.ListAsync(prefix, cancellation).ConfigureAwait(false)).Where(o => IsBefore(o.Key)).GroupBy(o => o.Key[prefix.Length..].Split('/')[0]))
        {
            // What was set aside was once whole, and is for people to look at.
            if (!folder.Any(o => o.Key.EndsWith($"/{CheckpointManifest.FileName}", StringComparison.Ordinal) || o.Key.EndsWith($"/{AsideFile}", StringComparison.Ordinal)))
                await RemoveAsync(folder.Select(o => o.Key), cancellation).ConfigureAwait(false);
        }

        return 0;

        bool IsBefore(string key) => key[prefix.Length..].Split('/') is [var folder, _] && CheckpointFolder.TryStep(folder, out var number) && number < step;
    }, cancellation);

    /// <summary>Closes the client.</summary>
    public void Dispose() => _objects.Client.Dispose();

    private string Prefix(long step) => $"{_location.Prefix}{CheckpointFolder.NameOf(step)}/";

    // On a thread without a context of its own, so that waiting for the answer blocks nothing that it needs.
    private T Ask<T>(Func<Task<T>> ask) => Task.Run(() => _objects.AnswerAsync(ask, default)).GetAwaiter().GetResult();

    private async Task RemoveAsync(IEnumerable<string> keys, CancellationToken cancellation)
    {
        foreach (var key in keys.OrderBy(key => !key.EndsWith($"/{CheckpointManifest.FileName}", StringComparison.Ordinal)))
            await _objects.RemoveAsync(key, cancellation).ConfigureAwait(false);
    }
}
