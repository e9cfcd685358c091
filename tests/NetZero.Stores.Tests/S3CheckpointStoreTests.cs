using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Testing;

namespace NetZero.Stores.Tests;

/// <summary>Checkpoints in an object store: complete or not there, whatever fails on the way.</summary>
public sealed class S3CheckpointStoreTests : IDisposable
{
    // Several parts a file.
    private const long PartBytes = 4000;

    private readonly string _root = Directory.CreateTempSubdirectory("netzero-tests-").FullName;
    private readonly FakeS3 _server = new() { PageEntries = 2, LeastPartBytes = 1 };
    private readonly CheckpointFolder _local;

    public S3CheckpointStoreTests()
    {
        _local = new CheckpointFolder(Path.Combine(_root, "local"));
        Save(_local, 5, seed: 1);
    }

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task PushedAndPulled_IsTheSameCheckpoint_ManifestLast()
    {
        var store = Store();
        var sent = await store.PushAsync(_local.Of(5));

        Assert.Equal(Directory.EnumerateFiles(_local.Of(5)).Sum(path => new FileInfo(path).Length), sent);
        Assert.Equal([5L], store.Steps());
        Assert.Equal(["runs/a/step-000005/checkpoint.json", "runs/a/step-000005/rank-00000.safetensors", "runs/a/step-000005/rank-00001.safetensors"], _server.Objects.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("PUT runs/a/step-000005/checkpoint.json", _server.Requests.Last(r => !r.StartsWith("GET", StringComparison.Ordinal)));
        Assert.True(_server.Requests.Count(r => r.Contains("?partNumber=", StringComparison.Ordinal)) > 4);
        Assert.Equal(0, _server.OpenUploads);

        var pulled = await store.PullAsync(5, Into("pulled"));
        AssertSame(_local.Of(5), pulled);
        Assert.Equal("step-000005\n", File.ReadAllText(Path.Combine(_root, "pulled", "latest")));
        Assert.Equal(0, await store.PushAsync(_local.Of(5)));
    }

    [Fact]
    public async Task ErrorsAndCutOffAnswers_AreTriedAgain()
    {
        var count = 0;
        _server.Faults = _ => (Interlocked.Increment(ref count) % 5) switch { 0 => Fault.Error, 2 => Fault.SlowDown, 4 => Fault.CutOff, _ => Fault.None };
        var store = Store();
        await store.PushAsync(_local.Of(5));
        AssertSame(_local.Of(5), await store.PullAsync(5, Into("pulled")));
        Assert.True(count > 20);
    }

    [Fact]
    public async Task PushThatIsCutOff_IsNoCheckpoint_AndGoesOnWithTheMissingParts()
    {
        var parts = 0;
        _server.Faults = request =>
        {
            if (!request.Contains("rank-00001.safetensors?partNumber=", StringComparison.Ordinal) || Interlocked.Increment(ref parts) <= 2)
                return Fault.None;

            // Not before those two have arrived: the client gives up what is under way when one is refused.
            SpinWait.SpinUntil(() => _server.PartsOfOpenUploads == 2, TimeSpan.FromSeconds(10));
            return Fault.Denied;
        };
        var error = await Assert.ThrowsAsync<IOException>(() => Store().PushAsync(_local.Of(5)));
        Assert.StartsWith("s3://bucket/runs/a/: AccessDenied, ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Store().Steps());
        var missing = await Assert.ThrowsAnyAsync<IOException>(() => Store().PullAsync(5, Into("pulled")));
        Assert.Equal("s3://bucket/runs/a/ has no step-000005/checkpoint.json", missing.Message);
        Assert.False(Directory.Exists(Path.Combine(_root, "pulled")));
        Assert.Equal(1, _server.OpenUploads);

        _server.Faults = _ => Fault.None;
        _server.Requests.Clear();
        await Store().PushAsync(_local.Of(5));
        var all = (new FileInfo(Path.Combine(_local.Of(5), "rank-00001.safetensors")).Length + PartBytes - 1) / PartBytes;
        Assert.Equal(all - 2, _server.Requests.Count(r => r.Contains("rank-00001.safetensors?partNumber=", StringComparison.Ordinal)));
        Assert.Equal(0, _server.OpenUploads);
        AssertSame(_local.Of(5), await Store().PullAsync(5, Into("pulled")));
    }

    [Fact]
    public async Task AnotherCheckpointOfTheStep_ReplacesTheFirst_WhichIsGoneBeforeItsFilesAre()
    {
        await Store().PushAsync(_local.Of(5));
        var other = new CheckpointFolder(Path.Combine(_root, "other"));
        Save(other, 5, seed: 2);
        _server.Requests.Clear();
        await Store().PushAsync(other.Of(5));

        Assert.StartsWith("DELETE runs/a/step-000005/checkpoint.json", _server.Requests.First(r => !r.StartsWith("GET", StringComparison.Ordinal)), StringComparison.Ordinal);
        AssertSame(other.Of(5), await Store().PullAsync(5, Into("pulled")));
    }

    [Fact]
    public async Task DamageInTheStore_IsNamed_AndNothingIsLeft()
    {
        await Store().PushAsync(_local.Of(5));
        _server.Objects["runs/a/step-000005/rank-00001.safetensors"][^9] ^= 1;
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Store().PullAsync(5, Into("pulled")));
        Assert.Contains("these bytes are not those that were saved", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "pulled")));

        _server.Objects["runs/a/step-000005/checkpoint.json"][40] ^= 1;
        error = await Assert.ThrowsAsync<CheckpointException>(() => Store().PullAsync(5, Into("pulled")));
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steps_AreListedOverPages_NewestFirst_AndRemovedOneByOne()
    {
        var store = Store();
        foreach (var step in (long[])[7, 100, 9])
        {
            Save(_local, step, seed: 1);
            await store.PushAsync(_local.Of(step));
        }

        Assert.Equal([100L, 9, 7], store.Steps());
        store.Remove(9);
        Assert.Equal([100L, 7], store.Steps());
        Assert.DoesNotContain(_server.Objects.Keys, key => key.Contains("step-000009", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnswersThatHangOrStall_AreAskedForAgain()
    {
        int requests = 0, hung = 0, stalled = 0;
        _server.Faults = request =>
        {
            var number = Interlocked.Increment(ref requests);
            if (number % 9 == 4 && Interlocked.Increment(ref hung) <= 3)
                return Fault.Hang;
            return number % 7 == 0 && request.StartsWith("GET runs/a/step-000005/rank", StringComparison.Ordinal) && Interlocked.Increment(ref stalled) <= 3 ? Fault.Stall : Fault.None;
        };
        using var store = _server.Store("runs/a", PartBytes, retries: 3, seconds: 0.5);
        await store.PushAsync(_local.Of(5));
        AssertSame(_local.Of(5), await store.PullAsync(5, Into("pulled")));
        Assert.True(hung >= 3 && stalled >= 3, $"{hung} requests hung, {stalled} answers stalled");
    }

    [Fact]
    public async Task CompletionWhoseAnswerIsLost_IsFoundToBeDone()
    {
        var completions = 0;
        _server.Faults = request =>
            request.StartsWith("POST ", StringComparison.Ordinal) && !request.EndsWith("?uploads", StringComparison.Ordinal) && Interlocked.Increment(ref completions) == 1 ? Fault.Lost : Fault.None;
        using var store = Store();
        await store.PushAsync(_local.Of(5));
        Assert.True(completions > 1);
        AssertSame(_local.Of(5), await store.PullAsync(5, Into("pulled")));
    }

    [Fact]
    public async Task CompletionThatBeginsWith200AndFails_IsTriedAgain_AndWhereItStaysSo_ThereIsNoCheckpoint()
    {
        var completions = 0;
        var failures = 1;
        _server.Faults = request =>
            request.StartsWith("POST ", StringComparison.Ordinal) && !request.EndsWith("?uploads", StringComparison.Ordinal)
            && Interlocked.Increment(ref completions) <= failures
                ? Fault.LateError : Fault.None;
        using var store = Store(retries: 1);
        await store.PushAsync(_local.Of(5));
        AssertSame(_local.Of(5), await store.PullAsync(5, Into("pulled")));

        Save(_local, 6, seed: 1);
        failures = int.MaxValue;
        var error = await Assert.ThrowsAsync<IOException>(() => store.PushAsync(_local.Of(6)));
        Assert.Contains("InternalError", error.Message, StringComparison.Ordinal);
        Assert.Equal([5L], store.Steps());
    }

    [Fact]
    public async Task UploadThatTheStoreGivesUp_IsBegunAnew()
    {
        // An attempt that was cut off, whose upload ends just when it is taken up again.
        _server.Faults = request => request.Contains("rank-00001.safetensors?partNumber=2", StringComparison.Ordinal) ? Fault.Denied : Fault.None;
        await Assert.ThrowsAsync<IOException>(() => Store().PushAsync(_local.Of(5)));
        Assert.Equal(1, _server.OpenUploads);
        var aborted = 0;
        _server.Faults = request =>
        {
            var isPart = request.Contains("rank-00001.safetensors?partNumber=", StringComparison.Ordinal);
            if (isPart && Interlocked.Exchange(ref aborted, 1) == 0)
                _server.AbortUploads();
            return Fault.None;
        };
        await Store().PushAsync(_local.Of(5));
        Assert.Equal((1, 0), (aborted, _server.OpenUploads));
        AssertSame(_local.Of(5), await Store().PullAsync(5, Into("pulled")));
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(-86400)]
    public async Task ClockThatDiffersFromTheStores_IsNoObstacle(int seconds)
    {
        _server.ClockAhead = TimeSpan.FromSeconds(seconds);
        using var store = Store();
        await store.PushAsync(_local.Of(5));
        AssertSame(_local.Of(5), await store.PullAsync(5, Into("pulled")));
        Assert.Equal([5L], store.Steps());
    }

    [Fact]
    public async Task PartsThatTheStoreFindsTooSmall_AreOneLine()
    {
        using var strict = new FakeS3();
        using var store = strict.Store("runs/a", PartBytes);
        var error = await Assert.ThrowsAsync<IOException>(() => store.PushAsync(_local.Of(5)));
        Assert.Equal("s3://bucket/runs/a/: EntityTooSmall, EntityTooSmall", error.Message);
        Assert.Empty(store.Steps());
    }

    [Fact]
    public async Task MoreThanAThousandObjects_AreListedOverPages_AndRemoved()
    {
        using var server = new FakeS3();
        using var store = server.Store("runs/a", PartBytes);
        for (var step = 0; step < 700; step++)
        {
            server.Objects[$"runs/a/step-{step:D6}/checkpoint.json"] = [1];
            server.Objects[$"runs/a/step-{step:D6}/rank-00000.safetensors"] = [2];
        }

        for (var i = 0; i < 1001; i++)
            server.Objects[$"runs/a/step-000800/rank-{i:D5}.safetensors"] = [3];
        Assert.Equal(Enumerable.Range(0, 700).Select(step => (long)step).Reverse(), store.Steps());
        store.Remove(699);

        // A checkpoint of more than a page of files, which lacks what completes it.
        await store.RemoveLeftoversAsync(801);
        Assert.Equal(2 * 699, server.Objects.Count);
    }

    [Fact]
    public void BucketThatIsNotThere_IsOneLine()
    {
        using var store = _server.Store("runs/a", PartBytes, bucket: "other");
        Assert.Equal("s3://other/runs/a/: NoSuchBucket, NoSuchBucket", Assert.Throws<IOException>(() => store.Steps()).Message);
    }

    [Theory]
    [InlineData(0, 16 << 20)]
    [InlineData(10_000L * (16 << 20), 16 << 20)]
    [InlineData((10_000L * (16 << 20)) + 1, (16 << 20) + 1)]
    [InlineData(5L << 40, 549755814)]
    public void Parts_AreAsManyAsTheStoreTakes(long fileBytes, long partBytes)
    {
        Assert.Equal(partBytes, S3Upload.PartBytes(fileBytes, 16 << 20));
        Assert.InRange((fileBytes + partBytes - 1) / partBytes, 0, 10_000);
    }

    [Fact]
    public async Task Reader_FetchesTheRangesThatAreNeeded_AndVerifiesThem()
    {
        using var store = Store();
        await store.PushAsync(_local.Of(5));
        var count = 0;
        _server.Faults = _ => Interlocked.Increment(ref count) switch { 3 => Fault.Error, var n when n % 4 == 2 => Fault.CutOff, _ => Fault.None };
        using var local = CheckpointReader.Open(_local.Of(5));
        using (var remote = CheckpointReader.Open(store.Files(5)))
        {
            Assert.Equal(Parts(local), Parts(remote));
            remote.Verify(Assert.Fail);
            Assert.Equal(local.Manifest.StateBytes(), remote.BytesRead - Parts(local).Bytes);
        }

        _server.Faults = request => request.EndsWith("rank-00001.safetensors", StringComparison.Ordinal) ? Fault.Flip : Fault.None;
        using var flipped = CheckpointReader.Open(store.Files(5));
        var damage = new List<string>();
        flipped.Verify(damage.Add);
        Assert.StartsWith("s3://bucket/runs/a/step-000005/rank-00001.safetensors: the header has checksum ", damage[0], StringComparison.Ordinal);

        _server.Faults = _ => Fault.Denied;
        var denied = Assert.Throws<CheckpointException>(() => CheckpointReader.Open(store.Files(5)));
        Assert.False(denied.IsDamage);
        Assert.Equal("s3://bucket/runs/a/step-000005: cannot be read: s3://bucket/runs/a/: AccessDenied, AccessDenied", denied.Message);
    }

    [Fact]
    public async Task CheckpointThatIsSetAside_IsNoneOfTheSteps_AndLeftoversOfEarlierStepsGo()
    {
        using var store = Store();
        await store.PushAsync(_local.Of(5));
        Assert.Equal("step-000005/aside.json", store.SetAside(5));
        Assert.Empty(store.Steps());
        Assert.Equal(3, _server.Objects.Count);

        // An upload that was cut off, and a whole file of another.
        Save(_local, 3, seed: 1);
        _server.Faults = request => request.Contains("rank-00001.safetensors?partNumber=2", StringComparison.Ordinal) ? Fault.Denied : Fault.None;
        await Assert.ThrowsAsync<IOException>(() => store.PushAsync(_local.Of(3)));
        _server.Faults = _ => Fault.None;
        Assert.Equal((1, 4), (_server.OpenUploads, _server.Objects.Count));

        Save(_local, 7, seed: 1);
        await store.PushAsync(_local.Of(7));
        await store.RemoveLeftoversAsync(7);
        Assert.Equal((0, 6), (_server.OpenUploads, _server.Objects.Count));
        Assert.Equal([7L], store.Steps());

        // Sent once more: what was set aside does not belong to it.
        await store.PushAsync(_local.Of(5));
        using var reader = CheckpointReader.Open(store.Files(5));
        reader.Verify(Assert.Fail);
        Assert.Equal([7L, 5], store.Steps());
    }

    [Fact]
    public void StoreThatIsNotThere_IsOneLine()
    {
        var store = Store(retries: 0);
        _server.Dispose();
        var error = Assert.Throws<IOException>(() => store.Steps());
        Assert.StartsWith("s3://bucket/runs/a/: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("s3://b", "b", "")]
    [InlineData("s3://b/", "b", "")]
    [InlineData("s3://b/x/y/", "b", "x/y/")]
    public void Location_IsBucketAndPrefix(string text, string bucket, string prefix) => Assert.Equal(new S3Location(bucket, prefix), S3Location.Parse(text));

    [Theory]
    [InlineData("s3://")]
    [InlineData("s3:///x")]
    [InlineData("gs://b/x")]
    public void OtherLocations_AreRefused(string text) => Assert.Throws<FormatException>(() => S3Location.Parse(text));

    // Half of the elements of the first tensors: which ranges are asked for differs from block to block.
    private static (long Bytes, string Checksums) Parts(CheckpointReader reader)
    {
        var before = reader.BytesRead;
        var checksums = "";
        foreach (var tensor in reader.Manifest.Tensors.Where(t => t.Kind == CheckpointTensor.ParameterKind))
        {
            var bytes = new byte[tensor.Bytes() / 8 * 4];
            reader.Read(tensor, tensor.Elements() / 3, bytes);
            checksums += $"{Crc32C.Of(bytes):x8}";
        }

        return (reader.BytesRead - before, checksums);
    }

    private S3CheckpointStore Store(int retries = 6) => _server.Store("runs/a", PartBytes, retries);

    private CheckpointFolder Into(string name) => new(Path.Combine(_root, name));

    private static void AssertSame(string expected, string actual)
    {
        Assert.Equal(Directory.EnumerateFiles(expected).Select(Path.GetFileName).Order(StringComparer.Ordinal), Directory.EnumerateFiles(actual).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var path in Directory.EnumerateFiles(expected))
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(actual, Path.GetFileName(path))));
    }

    private static void Save(CheckpointFolder folder, long step, long seed) => World.RunAsync(2, rank =>
    {
        var model = new Gpt2(new Gpt2Config { LayerCount = 1, HeadCount = 1, EmbeddingSize = 9, PositionCount = 11, VocabularySize = 300 });
        var module = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
        using var saver = new CheckpointSaver(folder, module, new AdamW(module), new SaverOptions());
        Assert.Null(saver.Save(new CheckpointManifest { Step = step })!.Failure);
        return Task.CompletedTask;
    }, new WorldOptions { Tensors = new NetZero.Tensors.TensorContextOptions { Seed = seed } }).GetAwaiter().GetResult();
}
