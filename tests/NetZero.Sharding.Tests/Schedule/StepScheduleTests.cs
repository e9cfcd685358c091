namespace NetZero.Sharding.Tests.Schedule;

public class StepScheduleTests
{
    private static StepSchedule Build(int blocks, int worldSize, int stage, int microBatches = 1, GradientReduction reduction = GradientReduction.EachMicroBatch) =>
        Schedules.Of(new Blocks(blocks), new ShardingPolicy { Stage = stage, Reduction = reduction }, worldSize, microBatches);

    [Fact]
    public void ZeRO3_TwoBlocks_GathersAheadAndReducesBehind()
    {
        Assert.Equal(
            """
            0 AllGather root
            0 AllGather h.0
            0 Forward root
            0 AllGather h.1
            0 Forward h.0
            0 ForwardEnd h.0
            0 Release h.0
            0 Forward h.1
            0 ForwardEnd h.1
            0 Release h.1
            0 ForwardEnd root
            0 AllGather h.1
            0 Backward root
            0 AllGather h.0
            0 Backward h.1
            0 BackwardEnd h.1
            0 Release h.1
            0 ReduceScatter h.1
            0 Backward h.0
            0 BackwardEnd h.0
            0 Release h.0
            0 Accumulate h.1
            0 ReduceScatter h.0
            0 BackwardEnd root
            0 Release root
            0 Accumulate h.0
            0 ReduceScatter root
            0 Accumulate root
            0 Update root
            0 Update h.0
            0 Update h.1
            """,
            Build(2, 2, 3).ToString());
    }

    // FSDP2's order of events: unshard L2, unshard L1, post L2, unshard L0, post L1, post L0, post root.
    [Fact]
    public void ZeRO3_ThreeBlocks_HasTheBackwardOrderOfFSDP2()
    {
        var schedule = Build(3, 2, 3);
        var events = schedule.Events
            .SkipWhile(e => e is not { Kind: ScheduleEventKind.ForwardEnd, Unit: 0 })
            .Where(e => e.Kind is ScheduleEventKind.AllGather or ScheduleEventKind.BackwardEnd)
            .Select(e => $"{(e.Kind == ScheduleEventKind.AllGather ? "unshard" : "post")} {schedule.Units[e.Unit].Name}");
        Assert.Equal(["unshard h.2", "unshard h.1", "post h.2", "unshard h.0", "post h.1", "post h.0", "post root"], events);
    }

    // As PyTorch's tests of fully_shard count: forward gathers = blocks + 1; backward gathers = blocks, since the root is kept; reduce-scatters = blocks + 1.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void ZeRO3_AnyNumberOfBlocks_HasTheCollectivesOfFSDP2WithTheRootKept(int blocks)
    {
        var schedule = Build(blocks, 4, 3);
        var firstBackward = schedule.Events.ToList().FindIndex(e => e.Kind == ScheduleEventKind.ForwardEnd && e.Unit == 0);
        Assert.Equal(blocks + 1, schedule.Events.Take(firstBackward).Count(e => e.Kind == ScheduleEventKind.AllGather));
        Assert.Equal(blocks, schedule.Events.Skip(firstBackward).Count(e => e.Kind == ScheduleEventKind.AllGather));
        Assert.Equal(blocks + 1, schedule.Count(ScheduleEventKind.ReduceScatter));
        Assert.Equal(0, schedule.Count(ScheduleEventKind.AllReduce));
    }

    [Theory]
    [InlineData(0, 0, 0, 4)]
    [InlineData(1, 4, 4, 0)]
    [InlineData(2, 4, 4, 0)]
    public void ReplicatedParameters_ReduceOnce_AndGatherOnlyWhatOthersUpdated(int stage, int gathers, int scatters, int reduces)
    {
        var schedule = Build(3, 2, stage);
        Assert.Equal(gathers, schedule.Count(ScheduleEventKind.AllGather));
        Assert.Equal(scatters, schedule.Count(ScheduleEventKind.ReduceScatter));
        Assert.Equal(reduces, schedule.Count(ScheduleEventKind.AllReduce));
        Assert.Equal(0, schedule.Count(ScheduleEventKind.Release));
    }

    [Theory]
    [InlineData(GradientReduction.EachMicroBatch, 12)]
    [InlineData(GradientReduction.LastMicroBatch, 4)]
    public void Accumulation_ReducesEachMicroBatchOrTheLastOnly(GradientReduction reduction, int scatters) =>
        Assert.Equal(scatters, Build(3, 2, 3, 3, reduction).Count(ScheduleEventKind.ReduceScatter));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WorldOfOne_MakesNoCollective(int stage) =>
        Assert.DoesNotContain(Build(3, 1, stage).Events, e => e.IsCollective);
}
