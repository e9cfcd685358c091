using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace NetZero.Stores;

/// <summary>Sends one file in parts. An upload that was cut off goes on: parts that the store has, with the bytes that the file has, are not sent again.</summary>
/// <param name="client">The store.</param>
/// <param name="bucket">The bucket.</param>
/// <param name="partBytes">Bytes of a part; stores ask for at least 5 MiB.</param>
internal sealed class S3Upload(IAmazonS3 client, string bucket, long partBytes)
{
    private const int PartsAtATime = 4;
    private const int MostParts = 10_000;
    private const string NoSuchUpload = "NoSuchUpload";

    /// <summary>Sends a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="cancellation">Gives up; the parts stay for the next attempt.</param>
    /// <returns>Bytes that were sent.</returns>
    public async Task<long> SendAsync(string path, string key, CancellationToken cancellation)
    {
        if (await FindAsync(key, cancellation).ConfigureAwait(false) is { } begun)
        {
            try
            {
                var there = await PartsAsync(key, begun, cancellation).ConfigureAwait(false);
                return await SendAsync(path, key, begun, there, cancellation).ConfigureAwait(false);
            }
            catch (AmazonS3Exception e) when (e.ErrorCode == NoSuchUpload)
            {
                // A rule of the bucket, or somebody, has given it up meanwhile, and its parts with it.
            }
        }

        var request = new InitiateMultipartUploadRequest { BucketName = bucket, Key = key };
        var upload = (await client.InitiateMultipartUploadAsync(request, cancellation).ConfigureAwait(false)).UploadId;
        return await SendAsync(path, key, upload, [], cancellation).ConfigureAwait(false);
    }

    private async Task<long> SendAsync(
        string path, string key, string upload, Dictionary<int, string> there, CancellationToken cancellation)
    {
        var length = new FileInfo(path).Length;
        var size = PartBytes(length, partBytes);
        var count = (int)Math.Max(1, (length + size - 1) / size);
        var tags = new PartETag[count];
        long sent = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = PartsAtATime, CancellationToken = cancellation },
            async (i, stop) =>
            {
                var bytes = await ReadAsync(path, i * size, (int)Math.Min(size, length - (i * size)), stop).ConfigureAwait(false);
                if (there.TryGetValue(i + 1, out var tag) && tag.Trim('"') == Tag(bytes))
                {
                    tags[i] = new PartETag(i + 1, tag);
                    return;
                }

                using var stream = new MemoryStream(bytes, writable: false);
                var answer = await client.UploadPartAsync(
                    new UploadPartRequest { BucketName = bucket, Key = key, UploadId = upload, PartNumber = i + 1, PartSize = bytes.Length, InputStream = stream }, stop).ConfigureAwait(false);
                tags[i] = new PartETag(i + 1, answer.ETag);
                Interlocked.Add(ref sent, bytes.Length);
            }).ConfigureAwait(false);
        try
        {
            await client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = bucket, Key = key, UploadId = upload, PartETags = [.. tags] }, cancellation).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == NoSuchUpload)
        {
            // Where the answer to an earlier attempt was lost the upload is over, and the object is there.
            if (!await IsThereAsync(key, tags, cancellation).ConfigureAwait(false))
                throw;
        }

        return sent;
    }

    /// <summary>The parts that a file is cut into: as asked for, or larger where there would be more of them than S3 takes.</summary>
    /// <param name="fileBytes">The file's bytes.</param>
    /// <param name="wantedBytes">Those that were asked for.</param>
    internal static long PartBytes(long fileBytes, long wantedBytes) => Math.Max(wantedBytes, (fileBytes + MostParts - 1) / MostParts);

    /// <summary>Gives up uploads that were cut off and that nobody will take up again.</summary>
    /// <param name="prefix">What their keys begin with.</param>
    /// <param name="which">Which of them.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task AbandonAsync(string prefix, Func<string, bool> which, CancellationToken cancellation)
    {
        foreach (var upload in await UploadsAsync(prefix, cancellation).ConfigureAwait(false))
        {
            if (which(upload.Key))
            {
                await client.AbortMultipartUploadAsync(
                    new AbortMultipartUploadRequest { BucketName = bucket, Key = upload.Key, UploadId = upload.UploadId }, cancellation).ConfigureAwait(false);
            }
        }
    }

    // An object sent in parts is named after the names of its parts, and how many there are.
    private async Task<bool> IsThereAsync(string key, PartETag[] tags, CancellationToken cancellation)
    {
        var names = tags.Select(tag => tag.ETag.Trim('"')).ToArray();
        if (!names.All(name => name.Length == 32 && name.All(char.IsAsciiHexDigit)))
            return false;
        var whole = $"{Tag([.. names.SelectMany(Convert.FromHexString)])}-{names.Length}";
        var answer = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket, Prefix = key, MaxKeys = 1 }, cancellation).ConfigureAwait(false);
        return answer.S3Objects.Any(found => found.Key == key && found.ETag.Trim('"') == whole);
    }

    // What S3 calls a part without a key of encryption of one's own; another tag means that the part is sent again.
#pragma warning disable CA5351 // Not for security: the protocol names parts so.
    private static string Tag(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    private static async Task<byte[]> ReadAsync(string path, long start, int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        using var file = File.OpenHandle(path, options: FileOptions.Asynchronous);
        for (var done = 0; done < length;)
        {
            var read = await RandomAccess.ReadAsync(file, bytes.AsMemory(done), start + done, cancellation).ConfigureAwait(false);
            done += read > 0 ? read : throw new IOException($"{path} became shorter while it was sent");
        }

        return bytes;
    }

    // The newest of the object's uploads that nobody has completed.
    private async Task<string?> FindAsync(string key, CancellationToken cancellation) =>
        (await UploadsAsync(key, cancellation).ConfigureAwait(false)).Where(u => u.Key == key).OrderByDescending(u => u.Initiated).FirstOrDefault()?.UploadId;

    private async Task<List<MultipartUpload>> UploadsAsync(string prefix, CancellationToken cancellation)
    {
        var uploads = new List<MultipartUpload>();
        var request = new ListMultipartUploadsRequest { BucketName = bucket, Prefix = prefix };
        ListMultipartUploadsResponse answer;
        do
        {
            answer = await client.ListMultipartUploadsAsync(request, cancellation).ConfigureAwait(false);
            uploads.AddRange(answer.MultipartUploads);
            (request.KeyMarker, request.UploadIdMarker) = (answer.NextKeyMarker, answer.NextUploadIdMarker);
        }
        while (answer.IsTruncated);
        return uploads;
    }

    private async Task<Dictionary<int, string>> PartsAsync(string key, string upload, CancellationToken cancellation)
    {
        var parts = new Dictionary<int, string>();
        var request = new ListPartsRequest { BucketName = bucket, Key = key, UploadId = upload };
        ListPartsResponse answer;
        do
        {
            answer = await client.ListPartsAsync(request, cancellation).ConfigureAwait(false);
            foreach (var part in answer.Parts)
                parts[part.PartNumber] = part.ETag;
            request.PartNumberMarker = answer.NextPartNumberMarker.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        while (answer.IsTruncated);
        return parts;
    }
}
