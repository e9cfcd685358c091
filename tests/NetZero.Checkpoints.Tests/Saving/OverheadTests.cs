using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>What a checkpoint of GPT-2 with 124 million parameters holds beside the state, from the layout that is written: on Meta, without its 1.5 GB.</summary>
public sealed class OverheadTests
{


    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(7, 2)]
    [InlineData(16, 3)]
    public void AtTheGpt2Shape_BytesAreTheStateAndLessThanOnePercent(int ranks, int stage)
    {
        var parts = new List<CheckpointPart>();
        long state = 0, headers = 0;
        for (var rank = 0; rank < ranks; rank++)
        {
            using var tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
            var module = FullyShard.Apply(new Gpt2(Gpt2Config.Small), new FakeProcessGroup(rank, ranks), tensors, new ShardingPolicy { Stage = stage }, new ShardingOptions());
            var runs = new TrainingState(module, new AdamW(module)).Owned().Select(o => StoredRun.Of(o.Slice, o.Run)).ToArray();
            var (header, bytes) = (RankFile.HeaderBytesOf(runs), runs.Sum(run => run.Bytes));
            (state, headers) = (state + bytes, headers + header);
            var file = new CheckpointFile($"rank-{rank:D5}.safetensors", header + bytes, header, "00000000");
            parts.Add(new CheckpointPart(file, [.. runs.Select(run => new CheckpointTensor(
                run.Name, run.Kind, run.DType.Name(), run.Shape,
                [new CheckpointPiece(file.Name, run.Key, run.First, run.Elements, new string('0', (int)BlockChecksums.Count(run.Bytes) * 8))]))]));
        }

        var manifest = ManifestFile.Write(new CheckpointManifest { Files = [.. parts.Select(p => p.File)], Tensors = ManifestAssembly.Join(parts) });

        // The layout is one that loads: pieces without gaps, each with its checksums.
        Assert.Equal(state, ManifestFile.Parse("x", manifest).StateBytes());
        Assert.Equal(12 * 124_439_808L, state);
        Assert.InRange(headers + manifest.Length, 1, state / 100);
    }
}
