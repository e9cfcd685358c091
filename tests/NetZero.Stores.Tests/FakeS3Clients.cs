using Amazon.Runtime;
using Amazon.S3;
using NetZero.Testing;

namespace NetZero.Stores.Tests;

/// <summary>Stores of the local server, with little patience.</summary>
internal static class FakeS3Clients
{
    public static S3CheckpointStore Store(
        this FakeS3 server, string prefix, long partBytes, int retries = 6, double seconds = 30, string bucket = FakeS3.Bucket)
    {
        var client = new AmazonS3Client(
            new BasicAWSCredentials("key", "secret"),
            new AmazonS3Config
            {
                ServiceURL = server.Url,
                ForcePathStyle = true,
                AuthenticationRegion = "us-east-1",
                RetryMode = RequestRetryMode.Standard,
                MaxErrorRetry = retries,
                Timeout = TimeSpan.FromSeconds(seconds),
            });
        return new S3CheckpointStore(client, S3Location.Parse($"s3://{bucket}/{prefix}"), partBytes)
        {
            LongestSilence = TimeSpan.FromSeconds(seconds),
        };
    }
}
