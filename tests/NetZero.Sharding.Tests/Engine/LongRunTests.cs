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
        const int warm = 60, steps = 1460;
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
                if (step is not (warm or steps - 1))
                    return;

                // The other rank stands still meanwhile: what it would allocate is not what this is about.
                rank.Group.Barrier("all have ended the step");
                if (rank.Rank == 0)
                    managed[step == warm ? 0 : 1] = LiveManagedBytes();
                rank.Group.Barrier("the heap has been measured");
            },
        }.Run();

        // 1,400 steps make at least 8,400 collectives of two ranks. A released one leaves nothing but its line in the recorder, which holds 512; one that
        // stayed would take some 200 bytes. The host of the tests keeps some 300 KB more now and then.
        Assert.InRange(managed[1] - managed[0], long.MinValue, 8400 * 2 * 50);
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 3)]
    [InlineData(7, 2)]
    [InlineData(8, 0)]
    [InlineData(9, 3)]
    public void RanksThatAreLate_AnywhereInTheStep_ChangeNoBit(int ranks, int stage)
    {
        var run = new ToyRun { Model = () => new ToyModel(), Ranks = ranks, Steps = 3, GlobalRows = 2 * ranks, Clip = 0.1, Policy = ShardingPolicy.ForStage(stage) };
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

    // GC.GetTotalMemory(true) is content with 5 % of the heap, which is more than is looked for here.
    private static long LiveManagedBytes()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: false);
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
