using NetZero.Checkpoints;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Testing;

namespace NetZero.Training.Tests.Parity;

/// <summary>Ranks load a model from disk together: each byte is read once, by the rank whose slice it lies in.</summary>
public class LoadingTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(2, 3)]
    [InlineData(5, 3)]
    public void Ranks_ReadEachByteOnce_AtEveryStage(int ranks, int stage)
    {
        using var folder = HuggingFaceFolder.Open(Fixtures.Gpt2Tiny.Folder);
        var model = folder.Config.ToModelConfig();
        Ranks.Run(ranks, rank =>
        {
            var built = new Gpt2(model);
            var sharded = FullyShard.Apply(built, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { Source = new HuggingFaceSource(folder) });
            var expected = new float[64];
            sharded.VisitParameters(
                (name, value) =>
                {
                    if (name != "h.1.ln_2.bias")
                        return;
                    folder.Read(name, 0, expected);
                    Assert.Equal(expected, value.ToArray<float>());
                });
        });
        Assert.Equal((new Gpt2(model).ParameterCount() + 64) * sizeof(float), folder.BytesRead);
    }
}
