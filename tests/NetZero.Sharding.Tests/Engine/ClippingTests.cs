using NetZero.Nn;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Clipping by the global norm, read off what the weights did.</summary>
public class ClippingTests
{
    public static TheoryData<int, int> Cases
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in (int[])[1, 2, 3, 5])
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Clip_BelowTheNorm_ShortensTheStepToTheLimit_AboveItLeavesItAlone(int ranks, int stage)
    {
        var free = Run(ranks, stage, clip: 0);
        var norm = free.Norms[0];
        var clipped = Run(ranks, stage, clip: norm / 8);
        var loose = Run(ranks, stage, clip: norm * 2);

        // One step of rate 1: the weights move by the gradient. Each difference carries two roundings of weights below 1: sqrt(n) of them in the 2-norm.
        var bound = 2 * Math.Sqrt(free.ParameterCount) * Math.Pow(2, -24);
        Assert.True(norm / 8 > 100 * bound, "the limit must be far above the roundings for the test to mean something");
        Assert.Equal(norm, Moved(free), bound);
        Assert.Equal(norm / 8, Moved(clipped), bound + 1e-6); // PyTorch's 1e-6 in the denominator takes at most that much off
        Assert.Equal(norm, clipped.Norms[0]);
        Assert.Equal(norm, loose.Norms[0]);
        foreach (var (name, values) in free.After[0])
            Assert.Equal(values, loose.After[0][name]);
    }

    [Fact]
    public void Clip_NotAPositiveNumber_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Testing.Ranks.Run(
            1, rank => FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.DataParallel).ClipGradientNorm(0)));

    private static double Moved(ToyRun.Outcome run) =>
        Math.Sqrt(run.Before.Sum(p => p.Value.Zip(run.After[0][p.Key], (before, after) => Math.Pow((double)after - before, 2)).Sum()));

    private static ToyRun.Outcome Run(int ranks, int stage, double clip) => new ToyRun
    {
        Model = () => new ToyModel(),
        Ranks = ranks,
        Steps = 1,
        GlobalRows = 60,
        Clip = clip,
        Policy = ShardingPolicy.ForStage(stage),
        Optimizer = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 1 }),
    }.Run();
}
