using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>How ranks part that have trained a step together.</summary>
public enum Divergence
{
    /// <summary>One has frozen a block: where the others reduce it, its next call is about another unit.</summary>
    DifferentUnit,

    /// <summary>The same, while the last rank has not come to any call of the step (which stage 3 begins together).</summary>
    DifferentUnitBeforeAllHaveCome,

    /// <summary>One runs its blocks in another order.</summary>
    AnotherOrder,

    /// <summary>One leaves the gradient norm out and goes on to its next call.</summary>
    OneCallFewer,

    /// <summary>On a hybrid mesh of two groups, all ranks of the first leave the norm out.</summary>
    AGroupWithoutTheNorm,

    /// <summary>One ends its program a step early, with all its calls made.</summary>
    Leaving,

    /// <summary>One does not come.</summary>
    Late,
}

/// <summary>The program of ranks that part, whatever carries their data.</summary>
internal static class DivergingRanks
{
    /// <summary>The rank that parts.</summary>
    public const int Odd = 1;

    // Longer than any test waits; the world's end ends it.
    private static readonly TimeSpan Aside = TimeSpan.FromSeconds(20);

    public static int World(Divergence how) => how == Divergence.AGroupWithoutTheNorm ? 4 : 3;

    public static WorldOptions Options(Divergence how) =>
        how == Divergence.Late ? new WorldOptions { Timeout = Found.ShortTimeout } : Ranks.Options;

    /// <param name="how">How they part.</param>
    /// <param name="stage">The stage of the policy.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="diverges">Told by a rank at the moment from which on it does something else.</param>
    public static void Run(Divergence how, int stage, RankContext rank, Action diverges)
    {
        var model = new ToyModel();
        var policy = new ShardingPolicy { Stage = stage, ShardGroupSize = how == Divergence.AGroupWithoutTheNorm ? 2 : 0 };
        var sharded = FullyShard.Apply(model, rank, policy);
        var optimizer = new AdamW(sharded);
        Step(clips: true);
        var parts = how == Divergence.AGroupWithoutTheNorm ? rank.Rank < 2 : rank.Rank == Odd;
        if (how == Divergence.DifferentUnitBeforeAllHaveCome && rank.Rank == World(how) - 1)
            rank.Cancellation.WaitHandle.WaitOne(Aside);
        if (parts)
        {
            switch (how)
            {
                case Divergence.DifferentUnit or Divergence.DifferentUnitBeforeAllHaveCome:
                    sharded.Freeze("blocks.1.**");
                    break;
                case Divergence.AnotherOrder:
                    model.Order = [1, 0];
                    break;
            }

            diverges();
            if (how == Divergence.Leaving)
                return;
            if (how == Divergence.Late)
                rank.Cancellation.WaitHandle.WaitOne(Aside);
        }

        Step(clips: !parts || how is not (Divergence.OneCallFewer or Divergence.AGroupWithoutTheNorm));
        Step(clips: true);

        void Step(bool clips)
        {
            using var step = sharded.BeginStep();
            step.Backward(model.Loss(rank.Tensors.Full([2, 15], 0.5f + rank.Rank), rank.Tensors.From<int>([0, 1], [2])));
            if (clips)
                sharded.ClipGradientNorm(1);
            optimizer.Step();
        }
    }
}
