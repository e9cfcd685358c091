using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using NetZero.Checkpoints;

namespace NetZero.Stores;

/// <summary>Checkpoints in an S3-compatible object store, as objects <c>PREFIX/step-000123/FILE</c>.</summary>
/// <remarks>
/// Note: what is complete. Object stores have no renaming, so <c>checkpoint.json</c> is written last and removed first: a step without it is no checkpoint. Files are sent in
/// parts and fetched by ranges, both several at a time; whatever fails on the way is tried again, and every block is verified against the manifest in the end.
/// </remarks>
/// <param name="client">The store's client; the caller disposes it.</param>
/// <param name="location">Where the checkpoints are.</param>
/// <param name="partBytes">Bytes of one part or range.</param>
public sealed class S3CheckpointStore(IAmazonS3 client, S3Location location, long partBytes = S3CheckpointStore.DefaultPartBytes) : ICheckpointStore
{
    /// <summary>Large enough that a part takes longer than its request, and that 10,000 of them, S3's most, are 160 GiB a file.</summary>
    public const long DefaultPartBytes = 16 << 20;

    private const int RangesAtATime = 4;
    private const int MostAttempts = 5;

    /// <inheritdoc/>
    public Task<IReadOnlyList<long>> StepsAsync(CancellationToken cancellation = default) => AnswerAsync<IReadOnlyList<long>>(async () =>
    {
        var steps = new List<long>();
        foreach (var (key, _) in await ListAsync(location.Prefix, cancellation).ConfigureAwait(false))
        {
            if (key[location.Prefix.Length..].Split('/') is [var folder, CheckpointManifest.FileName] && CheckpointFolder.TryStep(folder, out var step))
                steps.Add(step);
        }

        return [.. steps.OrderDescending()];
    });

    /// <inheritdoc/>
    public Task<long> PushAsync(string checkpoint, CancellationToken cancellation = default) => AnswerAsync(async () =>
    {
        using var reader = CheckpointReader.Open(checkpoint);
        var prefix = Prefix(reader.Manifest.Step);
        var manifest = await File.ReadAllBytesAsync(Path.Combine(checkpoint, CheckpointManifest.FileName), cancellation).ConfigureAwait(false);
        var there = (await ListAsync(prefix, cancellation).ConfigureAwait(false)).ToDictionary(o => o.Key[prefix.Length..], o => o.Bytes, StringComparer.Ordinal);
        if (there.ContainsKey(CheckpointManifest.FileName))
        {
            if ((await ReadAsync(prefix + CheckpointManifest.FileName, cancellation).ConfigureAwait(false)).AsSpan().SequenceEqual(manifest))
                return 0;

            // Another checkpoint of the same step: it goes before any of its files is replaced.
            await RemoveAsync(prefix, there.Keys, cancellation).ConfigureAwait(false);
        }

        // Of an attempt that was cut off whole files may be there. Which checkpoint they are of is not said, so only parts are used again.
        var upload = new S3Upload(client, location.Bucket, partBytes);
        var sent = (long)manifest.Length;
        foreach (var file in reader.Manifest.Files)
            sent += await upload.SendAsync(Path.Combine(checkpoint, file.Name), prefix + file.Name, cancellation).ConfigureAwait(false);
        using var stream = new MemoryStream(manifest, writable: false);
        await client.PutObjectAsync(new PutObjectRequest { BucketName = location.Bucket, Key = prefix + CheckpointManifest.FileName, InputStream = stream }, cancellation).ConfigureAwait(false);
        return sent;
    });

    /// <inheritdoc/>
    public Task<string> PullAsync(long step, CheckpointFolder into, CancellationToken cancellation = default) => AnswerAsync(async () =>
    {
        ArgumentNullException.ThrowIfNull(into);
        var prefix = Prefix(step);
        using var incoming = into.Receive(step, await ReadAsync(prefix + CheckpointManifest.FileName, cancellation).ConfigureAwait(false));
        foreach (var file in incoming.Manifest.Files)
        {
            using var target = File.OpenHandle(incoming.PathOf(file), FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, file.Bytes);
            var ranges = (int)((file.Bytes + partBytes - 1) / partBytes);
            await Parallel.ForEachAsync(
                Enumerable.Range(0, ranges), new ParallelOptions { MaxDegreeOfParallelism = RangesAtATime, CancellationToken = cancellation },
                async (i, stop) =>
                {
                    var start = i * partBytes;
                    var bytes = await ReadAsync(prefix + file.Name, stop, (start, Math.Min(partBytes, file.Bytes - start))).ConfigureAwait(false);
                    await RandomAccess.WriteAsync(target, bytes, start, stop).ConfigureAwait(false);
                }).ConfigureAwait(false);
            RandomAccess.FlushToDisk(target);
        }

        return incoming.Complete(cancellation);
    });

    /// <inheritdoc/>
    public Task RemoveAsync(long step, CancellationToken cancellation = default) => AnswerAsync(async () =>
    {
        var prefix = Prefix(step);
        var names = (await ListAsync(prefix, cancellation).ConfigureAwait(false)).Select(o => o.Key[prefix.Length..]).ToArray();
        await RemoveAsync(prefix, names, cancellation).ConfigureAwait(false);
        return names.Length;
    });

    // One line that says where, for whatever the client throws.
    private async Task<T> AnswerAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (AmazonServiceException e)
        {
            throw new IOException($"{location}: {(e.ErrorCode is { Length: > 0 } code ? $"{code}, " : "")}{e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (AmazonClientException e)
        {
            throw new IOException($"{location}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"{location}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private string Prefix(long step) => $"{location.Prefix}{CheckpointFolder.NameOf(step)}/";

    private async Task RemoveAsync(string prefix, IEnumerable<string> names, CancellationToken cancellation)
    {
        foreach (var name in names.OrderBy(name => name != CheckpointManifest.FileName))
            await client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = location.Bucket, Key = prefix + name }, cancellation).ConfigureAwait(false);
    }

    private async Task<List<(string Key, long Bytes)>> ListAsync(string prefix, CancellationToken cancellation)
    {
        var found = new List<(string, long)>();
        var request = new ListObjectsV2Request { BucketName = location.Bucket, Prefix = prefix };
        ListObjectsV2Response answer;
        do
        {
            answer = await client.ListObjectsV2Async(request, cancellation).ConfigureAwait(false);
            found.AddRange(answer.S3Objects.Select(o => (o.Key, o.Size)));
            request.ContinuationToken = answer.NextContinuationToken;
        }
        while (answer.IsTruncated);
        return found;
    }

    // The client tries requests again, but not answers that break off in the middle.
    private async Task<byte[]> ReadAsync(string key, CancellationToken cancellation, (long Start, long Length)? range = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var request = new GetObjectRequest { BucketName = location.Bucket, Key = key };
                if (range is { } wanted)
                    request.ByteRange = new ByteRange(wanted.Start, wanted.Start + wanted.Length - 1);
                using var answer = await client.GetObjectAsync(request, cancellation).ConfigureAwait(false);
                using var bytes = new MemoryStream();
                await answer.ResponseStream.CopyToAsync(bytes, cancellation).ConfigureAwait(false);
                var expected = range?.Length ?? answer.ContentLength;
                return bytes.Length == expected ? bytes.ToArray() : throw new IOException($"{key}: {bytes.Length} bytes came, expected {expected}");
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                throw new IOException($"{location} has no {key[location.Prefix.Length..]}", e);
            }
            catch (Exception e) when (attempt < MostAttempts && e is IOException or HttpRequestException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), cancellation).ConfigureAwait(false);
            }
        }
    }
}
