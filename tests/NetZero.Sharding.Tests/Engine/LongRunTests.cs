using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>What must not pile up over steps, and what must not depend on timing. Alone, because the managed heap is that of the whole process.</summary>
[Collection(nameof(LongRunTests))]
[CollectionDefinition(nameof(LongRunTests), DisableParallelization = true)]
public class LongRunTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void BetweenSteps_NothingOfTheStepIsLeft_AndNothingPilesUp(int stage)
    {
        const int warm = 60, steps = 260;
        var live = new long[2][];
        var managed = new long[2];
        new ToyRun
        {
            Model = () => new ToyModel(),
            Ranks = 2,
            Steps = steps,
            GlobalRows = 4,
            Policy = ShardingPolicy.ForStage(stage),
            AfterStep = (rank, step) =>
            {
                var ledger = rank.Tensors.Ledger;
                var now = ledger.Snapshot();
                live[rank.Rank] ??= now;
                Assert.Equal(live[rank.Rank], now);
                Assert.Equal(0, now[(int)MemoryKind.Gathered] + now[(int)MemoryKind.Gradient] + now[(int)MemoryKind.Activation] + now[(int)MemoryKind.Communication]);
                Assert.Equal(0, rank.Tensors.Tape.Count);
                if (rank.Rank == 0 && step is warm or steps - 1)
                    managed[step == warm ? 0 : 1] = GC.GetTotalMemory(forceFullCollection: true);
            },
        }.Run();

        // 200 steps make at least 1,200 collectives of two ranks. A released one leaves nothing but its line in the recorder, which is full by then; one that
        // stayed would take some 200 bytes. The bound allows for the other rank's step that is under way.
        Assert.InRange(managed[1] - managed[0], long.MinValue, 1200 * 2 * 50);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void RanksThatAreLate_AnywhereInTheStep_ChangeNoBit(int stage)
    {
        var run = new ToyRun { Model = () => new ToyModel(), Ranks = 3, Steps = 3, GlobalRows = 6, Clip = 0.1, Policy = ShardingPolicy.ForStage(stage) };
        var prompt = run.Run();
        foreach (var kind in (ScheduleEventKind[])[ScheduleEventKind.Forward, ScheduleEventKind.AllGather, ScheduleEventKind.Backward, ScheduleEventKind.Update])
            (run with { Observe = rank => new Late(kind, rank.Rank) }).Run().AssertSameBits(prompt);
    }

    [Fact]
    public void FullyShard_ManyMoreRanksThanCores_MatchesStageZero()
    {
        var run = new ToyRun { Model = () => new ToyModel(), Ranks = 32, Steps = 2, GlobalRows = 32, Clip = 0.1 };
        (run with { Policy = ShardingPolicy.Zero3 }).Run().AssertSameBits(run.Run());
    }

    /// <summary>Sleeps after events of one kind, each rank another time.</summary>
    private sealed class Late(ScheduleEventKind kind, int rank) : IScheduleObserver
    {
        private int _seen = rank;

        public void OnEvent(in ScheduleRecord record)
        {
            if (record.Event.Kind == kind && _seen++ % 3 == 0)
                Thread.Sleep(5);
        }
    }
}
