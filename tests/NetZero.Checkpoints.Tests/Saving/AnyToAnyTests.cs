namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>A state that one world saved is bit for bit what any other world loads, and no byte is stored or read twice.</summary>
public sealed class AnyToAnyTests : IDisposable
{
    private static readonly int[] Worlds = [1, 2, 3, 4, 7];

    private readonly TemporaryFolder _folder = new();

    // Elements of the small model, three states each.
    private static long StateBytes => 3 * sizeof(float) * new Nn.Gpt2(StateWorld.Model).NamedParameters().Sum(p => p.Parameter.Shape.Elements);

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<StateWorld> All() => Worlds.SelectMany(ranks => Enumerable.Range(0, 4).Select(stage => new StateWorld(ranks, stage)));

    private static StateWorld[] Hybrids() =>
        [new(4, 3) { ShardRanks = 2 }, new(6, 2) { ShardRanks = 3 }, new(6, 3) { ShardRanks = 2 }, new(4, 1) { ShardRanks = 2 }];

    private (string Path, SaveReport Report) Save(StateWorld world)
    {
        var folder = new CheckpointFolder(_folder[$"{world.Ranks}-{world.Stage}-{world.ShardRanks}"]);
        var report = world.Save(folder, 12);
        Assert.Null(report.Failure);
        return (folder.Of(12), report);
    }

    [Fact]
    public void EveryPairOfWorldsAndStages_RestoresEveryTensor()
    {
        foreach (var saved in All())
        {
            var (path, _) = Save(saved);
            foreach (var loaded in All())
                loaded.LoadAndCompare(path);
        }
    }

    [Fact]
    public void HybridMeshes_SaveForPlainOnes_AndTheReverse()
    {
        StateWorld[] others = [new(1, 0), new(3, 3), new(4, 2), .. Hybrids()];
        foreach (var hybrid in Hybrids())
        {
            var (path, _) = Save(hybrid);
            foreach (var other in others)
                other.LoadAndCompare(path);
        }

        var (plain, _) = Save(new StateWorld(3, 3));
        foreach (var hybrid in Hybrids())
            hybrid.LoadAndCompare(plain);
    }

    [Theory]
    [InlineData(Nn.StateFormat.BF16)]
    [InlineData(Nn.StateFormat.Blocks8)]
    public void NarrowMoments_AndTheScalesOfTheirBlocks_AreRestored(Nn.StateFormat format)
    {
        StateWorld[] worlds = [.. new StateWorld[] { new(1, 0), new(3, 0), new(7, 3), new(4, 2) { ShardRanks = 2 } }.Select(w => w with { Moments = format })];
        foreach (var saved in worlds)
        {
            var (path, _) = Save(saved);
            foreach (var loaded in worlds)
                loaded.LoadAndCompare(path);
        }
    }

    [Fact]
    public void StatesOfOtherShapesThanTheParameters_AreStoredOnce_AndRestoredByAnyWorld()
    {
        StateWorld[] worlds =
        [
            .. new StateWorld[] { new(1, 0), new(3, 0), new(2, 1), new(7, 3), new(5, 2), new(4, 2) { ShardRanks = 2 }, new(6, 3) { ShardRanks = 2 } }
                .Select(w => w with { Factored = true }),
        ];
        var parameters = new Nn.Gpt2(StateWorld.Model).NamedParameters().Select(p => p.Parameter.Shape).ToList();
        var bytes = sizeof(float) * parameters.Sum(shape => (2 * shape.Elements) + (shape.Dims == 2 ? shape[0] + shape[1] : shape.Elements));
        foreach (var saved in worlds)
        {
            var (path, _) = Save(saved);
            using (var reader = CheckpointReader.Open(path))
            {
                Assert.Equal(bytes, reader.Manifest.StateBytes());
                Assert.Equal([37], reader.Find("exp_avg_sq_row/wte.weight").Shape);
                Assert.Equal([9], reader.Find("exp_avg_sq_col/wte.weight").Shape);
                Assert.Equal([36], reader.Find("exp_avg_sq/h.1.mlp.c_fc.bias").Shape);
            }

            foreach (var loaded in worlds)
                loaded.LoadAndCompare(path);
            var error = Assert.Throws<CheckpointException>(() => (saved with { Factored = false }).LoadAndCompare(path));
            Assert.Contains("another optimizer", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void ADeviceThatRunsLater_SavesAndLoadsWhatTheProcessorDoes(int stage, bool beside)
    {
        var processor = new StateWorld(2, stage) { Options = new SaverOptions { Async = beside } };
        var later = processor with { Device = new Testing.DelayedDevice(new Testing.DelayedTiming(stage, "compute")) };
        var (path, _) = Save(later with { Ranks = 3 });
        processor.LoadAndCompare(path);
        later.LoadAndCompare(path);
    }

    [Fact]
    public void EachByte_IsStoredOnceOverAllRanks()
    {
        foreach (var world in All().Concat(Hybrids()))
        {
            var (path, report) = Save(world);
            using var reader = CheckpointReader.Open(path);
            Assert.Equal(StateBytes, reader.Manifest.StateBytes());
            Assert.Equal(StateBytes + reader.Manifest.Files.Sum(f => f.HeaderBytes), reader.Manifest.Files.Sum(f => f.Bytes));
            Assert.Equal(Directory.EnumerateFiles(path).Sum(f => new FileInfo(f).Length), report.Bytes);
        }
    }

    [Fact]
    public void EachByte_IsReadOnceOverAllRanks_WhereSlicesAreTheSame()
    {
        foreach (var world in All().Concat(Hybrids()))
            Assert.Equal(StateBytes, world.LoadAndCompare(Save(world).Path));
    }

    [Fact]
    public void OtherSlices_ReadTheBlocksAtTheirEdgesTwice_AndNothingElse()
    {
        // A tensor of 1.2 million elements in a world of one: 4.8 MB, in blocks of 1 MiB.
        var wide = StateWorld.Model with { VocabularySize = 133_333 };
        var folder = new CheckpointFolder(_folder["wide"]);
        Assert.Null(new StateWorld(1, 0) { Gpt2 = wide }.Save(folder, 1).Failure);
        var bytes = 3 * sizeof(float) * new Nn.Gpt2(wide).NamedParameters().Sum(p => p.Parameter.Shape.Elements);

        var read = new StateWorld(3, 3) { Gpt2 = wide }.LoadAndCompare(folder.Of(1));

        // Two edges between three ranks in each of the root and the two blocks, in each of three states: each edge lies in at most one block.
        Assert.InRange(read, bytes + 1, bytes + (3 * 3 * 2 * 1048576L));
    }

    [Fact]
    public void SameState_GivesTheSameFiles_HoweverOftenAndWhetherBesideTraining()
    {
        var world = new StateWorld(3, 3);
        var (path, _) = Save(world);
        var beside = new CheckpointFolder(_folder["beside"]);
        Assert.Null((world with { Options = new SaverOptions { Async = true } }).Save(beside, 12).Failure);
        var bounded = new CheckpointFolder(_folder["bounded"]);
        Assert.Null((world with { Options = new SaverOptions { Async = true, SnapshotBudgetBytes = 1000 } }).Save(bounded, 12).Failure);
        foreach (var file in Directory.EnumerateFiles(path).Select(Path.GetFileName))
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(path, file!)), File.ReadAllBytes(Path.Combine(beside.Of(12), file!)));
            Assert.Equal(File.ReadAllBytes(Path.Combine(path, file!)), File.ReadAllBytes(Path.Combine(bounded.Of(12), file!)));
        }
    }

    [Fact]
    public void FilesOfOneRank_AreWhatAnySafetensorsReaderExpects()
    {
        var (path, _) = Save(new StateWorld(1, 0));
        using var file = SafetensorsFile.Open(Path.Combine(path, "rank-00000.safetensors"));
        Assert.Equal([37, 9], file.Find("wte.weight").Shape);
        var values = new float[4];
        file.Read("exp_avg/h.1.mlp.c_fc.weight", 5, values);
        Assert.Equal(Enumerable.Range(5, 4).Select(i => StateWorld.Value("exp_avg/h.1.mlp.c_fc.weight", i)), values);
    }
}
