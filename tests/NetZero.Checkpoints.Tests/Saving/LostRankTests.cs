namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>Ranks that fail beside training where they cannot even say so in the folder: no save waits for them, and nothing is thrown.</summary>
public sealed class LostRankTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointFolder _shared;

    public LostRankTests() => _shared = new CheckpointFolder(_folder["shared"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RankThatFailsBesideTraining_AndCannotLeaveItsMark_IsHeardOf(bool polls)
    {
        // Folders have the names of what rank 1 writes there: its file fails when it is complete, and so does every way to say so.
        var lost = new CheckpointFolder(_folder["lost"]);
        foreach (var name in (string[])["rank-00001.safetensors", "rank-00001.failed", "rank-00001.failed.tmp"])
            Directory.CreateDirectory(Path.Combine(lost.Partial(2), name, "taken"));

        var world = new StateWorld(3, 2) { Options = new SaverOptions { Async = true } };
        var reports = await Task.Run(() => world.Run(
            (rank, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(rank.Rank == 1 ? lost : _shared, module, optimizer, world.Options);
                Assert.Null(saver.Save(new CheckpointManifest { Step = 2 }));
                SaveReport? polled = null;
                while (polls && rank.Rank == 1 && (polled = saver.Poll()) is null)
                    Thread.Sleep(1);
                var report = saver.Finish() ?? polled!;
                StateWorld.Compare(module, optimizer);
                return report;
            },
            filled: true)).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.NotNull(reports[1].Failure);
        Assert.Contains(lost.FullPath, reports[1].Failure, StringComparison.Ordinal);
        Assert.Equal(reports[1].Failure, reports[0].Failure);
        Assert.Equal(0, reports[0].Bytes);
        Assert.Null(reports[2].Failure);

        // Nothing of it stays to fill the disk, and the next save is as if there had been none.
        Assert.Empty(Directory.EnumerateFileSystemEntries(_shared.FullPath));
        Assert.Null(world.Save(_shared, 4).Failure);
        world.LoadAndCompare(_shared.Of(4));
    }

    [Fact]
    public void RankThatCanSaySo_IsHeardOf_ByWhatItLeaves_AndTheOthersAreWaitedFor()
    {
        var folder = Directory.CreateDirectory(_shared.Partial(1)).FullName;
        RankFile.TryFail(folder, 0, "no room");
        RankFile.TryFail(folder, 2, "no room here either");
        var manifest = new CheckpointManifest { Step = 1, World = new CheckpointWorld(3, 3, 2) };
        var assembly = Task.Run(() => ManifestAssembly.Complete(_shared, manifest, new Dictionary<int, string>(), CancellationToken.None));
        Assert.False(assembly.Wait(TimeSpan.FromMilliseconds(100)));
        RankFile.TryFail(folder, 1, "nor here");
        Assert.Equal("no room", Assert.Throws<IOException>(() => assembly.GetAwaiter().GetResult()).Message);
    }
}
