using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Steps that a program gives up leave collectives in flight; the next step settles them and computes the same bits.</summary>
public class GivenUpStepTests
{
    [Theory]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    public void Training_AfterForwardsWithoutBackward_GivesTheSameBits(int ranks, int stage)
    {
        var clean = Train(ranks, stage, giveUp: false);
        var disturbed = Train(ranks, stage, giveUp: true);
        Assert.Equal(clean, disturbed);
    }

    [Fact]
    public void BeginStep_WhileOneIsOpen_IsRefused()
    {
        Ranks.Run(1, rank =>
        {
            var sharded = FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.Zero3);
            using var step = sharded.BeginStep();
            Assert.Contains("open already", Assert.Throws<InvalidOperationException>(() => sharded.BeginEvaluation()).Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Backward_UnderAccumulation_MustGoThroughTheStep()
    {
        Ranks.Run(1, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { GradientAccumulationSteps = 2 });
            using var step = sharded.BeginStep();
            var error = Assert.Throws<InvalidOperationException>(() => Loss(model, rank, 0).Backward());
            Assert.Contains("call step.Backward(loss)", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void OptimizerStep_ThatIsRefused_DoesNotCount()
    {
        Ranks.Run(1, rank =>
        {
            var sharded = FullyShard.Apply(new ToyModel(), rank, ShardingPolicy.Zero3);
            var optimizer = new AdamW(sharded);
            using var step = sharded.BeginStep();
            Assert.Throws<InvalidOperationException>(optimizer.Step);
            Assert.Equal(0, optimizer.Steps);
        });
    }

    private static float[] Train(int ranks, int stage, bool giveUp) => Ranks.Run(ranks, rank =>
    {
        var model = new ToyModel(3);
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage));
        var optimizer = new AdamW(sharded);
        var losses = new List<float>();
        for (var i = 0; i < 4; i++)
        {
            if (giveUp)
                using (sharded.BeginStep())
                    Loss(model, rank, i);
            using var step = sharded.BeginStep();
            var loss = Loss(model, rank, i);
            loss.Backward();
            sharded.ClipGradientNorm(0.5);
            optimizer.Step();
            losses.Add(loss.Item());
        }

        return losses.ToArray();
    })[0];

    private static Tensor Loss(ToyModel model, RankContext rank, int seed)
    {
        var x = Enumerable.Range(0, 60).Select(i => MathF.Sin((i * 0.7f) + seed + rank.Rank)).ToArray();
        return model.Loss(rank.Tensors.From<float>(x, [4, 15]), rank.Tensors.From<int>([0, 1, 2, 0], [4]));
    }
}
