using Amazon.Runtime;
using Amazon.S3;

namespace NetZero.Stores;

/// <summary>Where in an S3-compatible object store something is: <c>s3://BUCKET/PREFIX</c>.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">What stands before the keys; empty, or ends with a slash.</param>
public sealed record S3Location(string Bucket, string Prefix)
{
    private const string Scheme = "s3://";

    // Standard mode waits longer after each attempt, up to 20 s: about a minute in all.
    private const int MostRetries = 8;

    /// <summary>Whether a path names a place in an object store.</summary>
    public static bool IsOne(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.StartsWith(Scheme, StringComparison.Ordinal);
    }

    /// <summary>Reads <c>s3://BUCKET/PREFIX</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static S3Location Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rest = IsOne(text) ? text[Scheme.Length..] : throw new FormatException($"'{text}' is no place in an object store; expected {Scheme}BUCKET/PREFIX");
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (bucket, prefix) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..].Trim('/'));
        return bucket.Length == 0 ? throw new FormatException($"'{text}' names no bucket; expected {Scheme}BUCKET/PREFIX") : new S3Location(bucket, prefix.Length == 0 ? "" : prefix + "/");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Scheme}{Bucket}/{Prefix}";

    /// <summary>
    /// A client as the environment says: keys and region where AWS's own tools look for them (<c>AWS_ACCESS_KEY_ID</c>, <c>AWS_SECRET_ACCESS_KEY</c>, <c>AWS_REGION</c>,
    /// profiles, roles); another store than Amazon's by <c>AWS_ENDPOINT_URL_S3</c> or <c>AWS_ENDPOINT_URL</c>.
    /// </summary>
    public static IAmazonS3 Client()
    {
        var config = new AmazonS3Config { RetryMode = RequestRetryMode.Standard, MaxErrorRetry = MostRetries };
        if ((Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3") ?? Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL")) is { Length: > 0 } endpoint)
        {
            config.ServiceURL = endpoint;

            // Buckets as host names need a wildcard in the DNS, which stores of one's own seldom have.
            config.ForcePathStyle = true;
            config.AuthenticationRegion = Environment.GetEnvironmentVariable("AWS_REGION") ?? "us-east-1";
        }

        return new AmazonS3Client(config);
    }
}
