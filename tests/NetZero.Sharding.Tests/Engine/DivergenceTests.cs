using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Ranks that do not do the same: every rank is told within seconds who did what, at every stage, among threads and processes.</summary>
/// <remarks><see cref="DivergenceOverMpiTests"/> has MPI.</remarks>
public class DivergenceTests
{
    public static TheoryData<int, bool> Stages => StagesOf(0, 1, 2, 3);

    public static TheoryData<int, bool> ShardedStages => StagesOf(1, 2, 3);

    // At stage 3 a step begins with a gather that all ranks make.
    public static TheoryData<int, bool> StagesThatReduceFirst => StagesOf(0, 1, 2);

    [Theory]
    [MemberData(nameof(Stages))]
    public void ADifferentUnit_IsAMismatch_OfBothRanksAndUnits(int stage, bool shared) =>
        Run(Divergence.DifferentUnit, stage, shared).IsADifferentUnit(stage);

    [Theory]
    [MemberData(nameof(StagesThatReduceFirst))]
    public void ADifferentUnit_IsFound_BeforeAThirdRankHasCome(int stage, bool shared) =>
        Run(Divergence.DifferentUnitBeforeAllHaveCome, stage, shared).IsADifferentUnit(stage);

    [Theory]
    [MemberData(nameof(Stages))]
    public void AnotherOrder_IsNamedByTheRankThatRunsIt_WithBothUnits(int stage, bool shared) =>
        Run(Divergence.AnotherOrder, stage, shared).IsAnotherOrder(stage);

    [Theory]
    [MemberData(nameof(Stages))]
    public void OneCallFewer_IsAMismatchWithTheNext(int stage, bool shared) =>
        Run(Divergence.OneCallFewer, stage, shared).IsOneCallFewer(stage);

    [Theory]
    [MemberData(nameof(ShardedStages))]
    public void AWholeGroupWithOneCallFewer_IsAMismatchAcrossTheReplicas(int stage, bool shared) =>
        Run(Divergence.AGroupWithoutTheNorm, stage, shared).IsAGroupWithoutTheNorm();

    [Theory]
    [MemberData(nameof(Stages))]
    public void ARankThatLeaves_IsNamedWithTheCallThatLacksIt(int stage, bool shared) =>
        Run(Divergence.Leaving, stage, shared).IsALeaving(stage);

    [Theory]
    [MemberData(nameof(Stages))]
    public void ARankThatIsLate_IsNamedWhenTheTimeoutPasses_WithItsLastCallAndTheUnitAwaited(int stage, bool shared) =>
        Run(Divergence.Late, stage, shared).IsLate(stage);

    private static TheoryData<int, bool> StagesOf(params ReadOnlySpan<int> stages)
    {
        var data = new TheoryData<int, bool>();
        foreach (var stage in stages)
        {
            data.Add(stage, false);
            data.Add(stage, true);
        }

        return data;
    }

    private static Found Run(Divergence how, int stage, bool shared)
    {
        var told = new Told?[DivergingRanks.World(how)];
        long diverged = 0, ended = 0;
        var thrown = Record.Exception(() =>
        {
            if (shared)
                SharedRanks.Run(told.Length, OfRank, DivergingRanks.Options(how));
            else
                Ranks.Run(told.Length, OfRank, DivergingRanks.Options(how));
        });

        // The world reports a cause, not the release of somebody who was not at fault.
        Assert.NotNull(thrown);
        Assert.IsNotType<PeerFailedException>(thrown);
        return new Found(told, Stopwatch.GetElapsedTime(diverged, ended).TotalSeconds);

        void OfRank(RankContext rank)
        {
            try
            {
                DivergingRanks.Run(how, stage, rank, () => Interlocked.Exchange(ref diverged, Stopwatch.GetTimestamp()));
            }
            catch (Exception e)
            {
                told[rank.Rank] = Told.Of(e);
                Interlocked.Exchange(ref ended, Stopwatch.GetTimestamp());
                throw;
            }
        }
    }
}
