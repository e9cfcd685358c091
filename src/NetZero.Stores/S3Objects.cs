using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace NetZero.Stores;

/// <summary>Objects of a bucket: listed, read by ranges, removed. What fails on the way is tried again, and what fails for good is one line.</summary>
/// <param name="client">The store.</param>
/// <param name="location">The bucket, and what all keys here begin with.</param>
internal sealed class S3Objects(IAmazonS3 client, S3Location location)
{
    private const int MostAttempts = 6;

    // An answer that has begun and brings nothing for so long is given up: the client's own limit ends with the answer's first line.
    private static readonly TimeSpan UsualSilence = TimeSpan.FromSeconds(20);

    /// <summary>How long an answer that has begun may bring nothing before it is asked for again.</summary>
    public TimeSpan LongestSilence { get; init; } = UsualSilence;

    /// <summary>The store's client.</summary>
    public IAmazonS3 Client => client;

    /// <summary>The bucket.</summary>
    public string Bucket => location.Bucket;

    /// <summary>Objects whose keys begin with <paramref name="prefix"/>.</summary>
    public async Task<List<(string Key, long Bytes, DateTimeOffset Written)>> ListAsync(string prefix, CancellationToken cancellation)
    {
        var found = new List<(string, long, DateTimeOffset)>();
        var request = new ListObjectsV2Request { BucketName = location.Bucket, Prefix = prefix };
        ListObjectsV2Response answer;
        do
        {
            answer = await client.ListObjectsV2Async(request, cancellation).ConfigureAwait(false);
            found.AddRange(answer.S3Objects.Select(o => (o.Key, o.Size, new DateTimeOffset(o.LastModified.ToUniversalTime(), TimeSpan.Zero))));
            request.ContinuationToken = answer.NextContinuationToken;
        }
        while (answer.IsTruncated);
        return found;
    }

    /// <summary>The bytes of an object, or a range of them.</summary>
    /// <exception cref="FileNotFoundException">There is no such object.</exception>
    /// <exception cref="IOException">They do not come, however often they are asked for.</exception>
    public async Task<byte[]> ReadAsync(string key, CancellationToken cancellation, (long Start, long Length)? range = null)
    {
        // The client tries requests again, but not answers that break off in the middle: what has come stays, and the rest is asked for.
        var bytes = range is { } known ? new byte[known.Length] : null;
        var done = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var request = new GetObjectRequest { BucketName = location.Bucket, Key = key };
                if (range is { } wanted)
                    request.ByteRange = new ByteRange(wanted.Start + done, wanted.Start + wanted.Length - 1);
                using var answer = await client.GetObjectAsync(request, cancellation).ConfigureAwait(false);
                if (range is null)
                    (bytes, done) = (new byte[answer.ContentLength], 0);
                if (answer.ContentLength != bytes!.Length - done)
                    throw new IOException($"{key}: {answer.ContentLength} bytes were announced, expected {bytes.Length - done}");
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                while (done < bytes.Length)
                {
                    silence.CancelAfter(LongestSilence);
                    var read = await answer.ResponseStream.ReadAsync(bytes.AsMemory(done), silence.Token).ConfigureAwait(false);
                    done += read > 0 ? read : throw new IOException($"{key}: the answer ended after {done} of {bytes.Length} bytes");
                }

                return bytes;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                throw new FileNotFoundException($"{location} has no {key[location.Prefix.Length..]}", e);
            }
            catch (Exception e) when (IsPassing(e, cancellation) && attempt < MostAttempts)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
            {
                throw new IOException($"{key}: the answer came to a halt after {done} bytes", e);
            }
        }
    }

    /// <summary>Writes a small object.</summary>
    public async Task WriteAsync(string key, byte[] bytes, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        await client.PutObjectAsync(new PutObjectRequest { BucketName = location.Bucket, Key = key, InputStream = stream }, cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes an object; nothing happens where there is none.</summary>
    public Task RemoveAsync(string key, CancellationToken cancellation) =>
        client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = location.Bucket, Key = key }, cancellation);

    /// <summary>One line that says where, for whatever the client throws.</summary>
    /// <exception cref="IOException">What was asked for failed.</exception>
    public async Task<T> AnswerAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (AmazonServiceException e)
        {
            throw new IOException($"{location}: {(e.ErrorCode is { Length: > 0 } code ? $"{code}, " : "")}{e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new IOException($"{location}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static bool IsPassing(Exception e, CancellationToken cancellation) =>
        e is IOException or HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested);
}
