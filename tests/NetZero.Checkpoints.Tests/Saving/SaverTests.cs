using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>What a save leaves, what it costs, and that one which fails leaves everything as it was.</summary>
public sealed class SaverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointFolder _checkpoints;

    public SaverTests() => _checkpoints = new CheckpointFolder(_folder["checkpoints"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Save_LeavesWholeCheckpoints_AndLatest(bool beside)
    {
        var world = new StateWorld(2, 3) { Options = new SaverOptions { Async = beside } };
        world.Save(_checkpoints, 3);
        world.Save(_checkpoints, 10);

        Assert.Equal([10, 3], _checkpoints.Steps());
        Assert.Equal(["latest", "step-000003", "step-000010"], Directory.EnumerateFileSystemEntries(_checkpoints.FullPath).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("step-000010\n", File.ReadAllText(Path.Combine(_checkpoints.FullPath, "latest")));
        Assert.Equal(
            ["checkpoint.json", "rank-00000.safetensors", "rank-00001.safetensors"],
            Directory.EnumerateFileSystemEntries(_checkpoints.Of(3)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        world.LoadAndCompare(_checkpoints.Of(3));
    }

    [Fact]
    public void KeepLastAndKeepBest_DecideWhatStays()
    {
        var world = new StateWorld(1, 0) { Options = new SaverOptions { KeepLast = 2, KeepBest = 1 } };
        double?[] losses = [3, 1, 2, 4, null, 5];
        world.Run(
            (_, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options);
                for (var step = 0; step < losses.Length; step++)
                    Assert.Null(saver.Save(new CheckpointManifest { Step = step, ValidationLoss = losses[step] })!.Failure);
                return 0;
            },
            filled: true);
        Assert.Equal([5, 4, 1], _checkpoints.Steps());
    }

    [Fact]
    public void WhatACrashLeft_IsNoCheckpoint_AndGoesWithTheNextSave()
    {
        var world = new StateWorld(2, 3);
        world.Save(_checkpoints, 1);
        Directory.CreateDirectory(Path.Combine(_checkpoints.FullPath, ".step-000002.partial"));
        File.WriteAllText(Path.Combine(_checkpoints.FullPath, ".step-000002.partial", "rank-00000.part"), "half");
        Directory.CreateDirectory(Path.Combine(_checkpoints.FullPath, ".step-000000.removed"));
        Directory.CreateDirectory(Path.Combine(_checkpoints.FullPath, "step-2"));
        Assert.Equal([1], _checkpoints.Steps());

        Assert.Null(world.Save(_checkpoints, 2).Failure);
        Assert.Equal([2, 1], _checkpoints.Steps());
        Assert.DoesNotContain(Directory.EnumerateDirectories(_checkpoints.FullPath), path => Path.GetFileName(path)[0] == '.');
        world.LoadAndCompare(_checkpoints.Of(2));
    }

    [Fact]
    public void SavingAStepAgain_ReplacesIt()
    {
        new StateWorld(2, 3).Save(_checkpoints, 1);
        new StateWorld(3, 1).Save(_checkpoints, 1);
        Assert.Equal(3, ManifestFile.Read(_checkpoints.Of(1)).World.Ranks);
        Assert.Equal(["latest", "step-000001"], Directory.EnumerateFileSystemEntries(_checkpoints.FullPath).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void SavingAStepAgain_KeepsTheOlderOne_UntilTheNewOneHasItsName()
    {
        new StateWorld(2, 3).Save(_checkpoints, 1);
        Directory.CreateDirectory(Path.Combine(_checkpoints.FullPath, "latest.tmp"));
        Directory.Move(_checkpoints.Of(1), _checkpoints.Partial(1));
        new StateWorld(2, 3).Save(new CheckpointFolder(_folder["other"]), 1);
        Directory.Move(Path.Combine(_folder["other"], "step-000001"), _checkpoints.Of(1));

        // What can fail after the new one is in its place fails: both are there.
        Assert.ThrowsAny<SystemException>(() => _checkpoints.Commit(1));
        Assert.Equal(2, ManifestFile.Read(_checkpoints.Of(1)).World.Ranks);
        Assert.Equal(2, ManifestFile.Read(Path.Combine(_checkpoints.FullPath, ".step-000001.removed")).World.Ranks);
    }

    [Fact]
    public void KeepBest_BesideACheckpointOfANewerVersion_SavesAndSaysWhatCannotBeRemoved()
    {
        var world = new StateWorld(1, 0) { Options = new SaverOptions { KeepLast = 1, KeepBest = 1 } };
        world.Save(_checkpoints, 1);
        var path = Path.Combine(_checkpoints.Of(1), CheckpointManifest.FileName);
        var newer = ManifestFile.Read(_checkpoints.Of(1)) with { Version = CheckpointManifest.CurrentVersion + 1 };
        File.WriteAllBytes(path, ManifestFile.Write(newer));

        foreach (var beside in (bool[])[false, true])
        {
            var report = (world with { Options = world.Options with { Async = beside } }).Save(_checkpoints, beside ? 3 : 2);
            Assert.True(report.Bytes > 0);
            Assert.StartsWith("it was saved, but older checkpoints could not be removed: ", report.Failure, StringComparison.Ordinal);
            Assert.Contains("has version 2 of the format", report.Failure, StringComparison.Ordinal);
        }

        Assert.Equal([3, 2, 1], _checkpoints.Steps());
    }

    [FactOnSystem(TestSystems.Linux, "elsewhere every folder can be flushed")]
    public void FolderThatCannotBeFlushed_IsNoFailure_ButOneThatIsNotThereIs()
    {
        // The kernel's own file systems have no flush for folders.
        DirectorySync.Flush("/proc");
        Assert.Throws<IOException>(() => DirectorySync.Flush(_folder["missing"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFolderThatCannotBeWritten_IsReported_AndTheStateStays(bool beside)
    {
        var world = new StateWorld(3, 2) { Options = new SaverOptions { Async = beside } };
        world.Save(_checkpoints, 1);

        // A file where the folder should be, for every rank.
        var file = _folder["file"];
        File.WriteAllText(file, "");
        var blocked = new CheckpointFolder(Path.Combine(file, "checkpoints"));
        var reports = world.Run(
            (_, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(blocked, module, optimizer, world.Options);
                var report = saver.Save(new CheckpointManifest { Step = 2 }) ?? saver.Finish();
                StateWorld.Compare(module, optimizer);
                return report!;
            },
            filled: true);

        Assert.All(reports, report => Assert.Contains(file, report.Failure, StringComparison.Ordinal));
        world.LoadAndCompare(_checkpoints.Of(1));
    }

    [Fact]
    public void AFolderRemovedWhileItIsWritten_IsReported()
    {
        var world = new StateWorld(2, 3) { Options = new SaverOptions { Async = true } };
        var reports = world.Run(
            (rank, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options);
                Assert.Null(saver.Save(new CheckpointManifest { Step = 1 }));
                Assert.Null(saver.Finish()!.Failure);
                if (rank.Rank == 0)
                    Directory.Delete(_checkpoints.FullPath, recursive: true);
                rank.Group.Barrier("removed");
                saver.Save(new CheckpointManifest { Step = 2 });
                return saver.Finish()!;
            },
            filled: true);

        // It is made anew: what was removed is gone, what comes is saved.
        Assert.Null(reports[0].Failure);
        Assert.Equal([2], _checkpoints.Steps());
    }

    [Theory]
    [InlineData("the reason", "the reason")]
    [InlineData("", "rank 1 could not write its file, nor say why: most likely the disk was full")]
    public void RankThatFails_IsHeardOf_ThoughThereIsNoRoomForItsReason(string reason, string heard)
    {
        var folder = Directory.CreateDirectory(_folder["partial"]).FullName;
        RankFile.TryFail(folder, 1, reason);
        Assert.Null(RankFile.ReadPart(folder, 0));
        Assert.Equal(heard, Assert.Throws<IOException>(() => RankFile.ReadPart(folder, 1)).Message);

        // Where the folder is gone there is nobody to tell, and who waits finds out.
        Directory.Delete(folder, recursive: true);
        RankFile.TryFail(folder, 1, reason);
        Assert.Throws<IOException>(() => RankFile.ReadPart(folder, 0));
    }

    [Fact]
    public void SavingFromTheTensors_TakesNoTensorMemory()
    {
        var world = new StateWorld(2, 3);
        world.Run(
            (rank, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options);
                optimizer.Prepare();
                var before = rank.Tensors.Ledger.PeakBytes;
                saver.Save(new CheckpointManifest { Step = 1 });
                Assert.Equal(before, rank.Tensors.Ledger.PeakBytes);
                return 0;
            },
            filled: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public void Snapshots_TakeAtMostTheirBudget_Once_AndAreCounted(long budget)
    {
        var world = new StateWorld(2, 3) { Options = new SaverOptions { Async = true, SnapshotBudgetBytes = budget } };
        world.Run(
            (rank, module, optimizer) =>
            {
                var stored = new TrainingState(module, optimizer).Owned().Sum(o => o.Run.Bytes);
                using (var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options))
                {
                    for (var step = 1; step <= 2; step++)
                    {
                        optimizer.Resume(step);
                        saver.Save(new CheckpointManifest { Step = step });
                    }
                    saver.Finish();
                    Assert.Equal(MemoryLedger.Round(budget == 0 ? stored : Math.Min(budget, stored)) + SnapshotBuffer.SlackBytes, rank.Tensors.Ledger.Peak(MemoryKind.Snapshot));
                }
                Assert.Equal(0, rank.Tensors.Ledger.Live(MemoryKind.Snapshot));
                return 0;
            },
            filled: true);
        world.LoadAndCompare(_checkpoints.Of(1));
        world.LoadAndCompare(_checkpoints.Of(2));
    }

    [Theory]
    [InlineData(37)]
    [InlineData(30011)]
    public void Snapshots_GoPastTheCache_WhateverTheirSize_WhereTheFileSystemCan(int words)
    {
        // A few pages, and more than one piece of 8 MiB.
        var model = StateWorld.Model with { EmbeddingSize = words > 37 ? 64 : 9, VocabularySize = words };
        var world = new StateWorld(2, 3) { Gpt2 = model, Options = new SaverOptions { Async = true } };
        bool isPossible;
        using (var probe = File.OpenHandle(_folder["probe"], FileMode.Create, FileAccess.Write))
            isPossible = LinuxFile.TrySetDirect(probe, true);
        world.Run(
            (_, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options);
                saver.Save(new CheckpointManifest { Step = 1 });
                Assert.Null(saver.Finish()!.Failure);
                var stored = new TrainingState(module, optimizer).Owned().Sum(o => o.Run.Bytes);
                Assert.True(words == 37 ? stored > UncachedFile.PageBytes : stored > 9 << 20, $"{stored} bytes");
                Assert.Equal(isPossible ? stored & -UncachedFile.PageBytes : 0, saver.DirectBytes);
                return 0;
            },
            filled: true);
        using var reader = CheckpointReader.Open(_checkpoints.Of(1));
        reader.Verify(Assert.Fail);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((1 << 20) - 1)]
    [InlineData((5 << 20) + 17)]
    public void Budget_CutsTensorsAtBlocks_AndTheFilesAreThoseOfASaveWithoutCopies(long budget)
    {
        // Tensors of several blocks of 1 MiB, and pieces of memory that are aligned to pages.
        var model = StateWorld.Model with { EmbeddingSize = 64, VocabularySize = 9001 };
        new StateWorld(2, 3) { Gpt2 = model, Options = new SaverOptions() }.Save(_checkpoints, 1);
        var world = new StateWorld(2, 3) { Gpt2 = model, Options = new SaverOptions { Async = true, SnapshotBudgetBytes = budget } };
        Assert.Null(world.Save(_checkpoints, 2).Failure);

        foreach (var file in (string[])["rank-00000.safetensors", "rank-00001.safetensors"])
        {
            var direct = File.ReadAllBytes(Path.Combine(_checkpoints.Of(1), file));
            var beside = File.ReadAllBytes(Path.Combine(_checkpoints.Of(2), file));
            Assert.True(direct.AsSpan().SequenceEqual(beside), file);
        }

        using var reader = CheckpointReader.Open(_checkpoints.Of(2));
        reader.Verify(Assert.Fail);
        Assert.All(reader.Manifest.Files, file => Assert.Equal(0, file.HeaderBytes % UncachedFile.PageBytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    public void WhatTrainingChangesAfterASnapshot_IsNotInTheCheckpoint(long budget)
    {
        var world = new StateWorld(2, 3) { Options = new SaverOptions { Async = true, SnapshotBudgetBytes = budget } };
        world.Run(
            (_, module, optimizer) =>
            {
                using var saver = new CheckpointSaver(_checkpoints, module, optimizer, world.Options);
                saver.Save(new CheckpointManifest { Step = 0 });
                foreach (var slice in new TrainingState(module, optimizer).Slices)
                    slice.Clear(0, slice.Entries);
                saver.Finish();
                return 0;
            },
            filled: true);
        world.LoadAndCompare(_checkpoints.Of(0));
    }
}
