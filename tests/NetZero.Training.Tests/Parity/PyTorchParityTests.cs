using NetZero.Checkpoints;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Testing;

namespace NetZero.Training.Tests.Parity;

/// <summary>A PyTorch run in double precision is reproduced at every world size and stage.</summary>
public class PyTorchParityTests
{
    public static TheoryData<int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in (int[])[1, 2, 4, 8])
                foreach (var stage in (int[])[0, 1, 2, 3])
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public async Task Gpt2Tiny_AnyRanksAndStage_FollowsPyTorch(int ranks, int stage)
    {
        var fixture = Fixtures.Gpt2Tiny;
        using var folder = HuggingFaceFolder.Open(fixture.Folder);
        var run = new SmallRun
        {
            Model = folder.Config.ToModelConfig(),
            Text = File.ReadAllBytes(fixture.TextPath),
            Ranks = ranks,
            Steps = fixture.Run.Steps,
            SequenceLength = fixture.Run.SeqLen,
            MicroBatchSize = fixture.Run.GlobalBatch / ranks,
            Clip = fixture.Run.Clip,
            Policy = ShardingPolicy.ForStage(stage),
            Source = () => new HuggingFaceSource(folder),
            Optimizer = new AdamWOptions
            {
                LearningRate = fixture.Run.Lr,
                Beta1 = fixture.Run.Betas[0],
                Beta2 = fixture.Run.Betas[1],
                Epsilon = fixture.Run.Eps,
                WeightDecay = fixture.Run.WeightDecay,
            },
        };
        var outcome = await run.RunAsync();

        // Bounds of the fixture's contract: PyTorch's own fp32 run stays within 6e-7 of its fp64 losses.
        for (var step = 0; step < fixture.Run.Steps; step++)
        {
            Assert.InRange(outcome.Steps[step].Loss - fixture.Expected.Losses[step], -5e-6, 5e-6);
            Assert.InRange((outcome.Steps[step].GradientNorm / fixture.Expected.GradientNorms[step]) - 1, -1e-5, 1e-5);
        }

        Assert.Equal(fixture.Expected.FinalSums.Keys.Order(), outcome.Weights.Keys.Order());
        foreach (var (name, values) in outcome.Weights)
        {
            var bound = 1e-4 * fixture.Expected.FinalAbsoluteSums[name];
            Assert.InRange(values.Sum(v => (double)v) - fixture.Expected.FinalSums[name], -bound, bound);
            Assert.InRange(values.Sum(v => Math.Abs((double)v)) - fixture.Expected.FinalAbsoluteSums[name], -bound, bound);
        }
    }
}
