using NetZero.Collectives;

namespace NetZero.Sharding.Tests.Schedule;

/// <summary>What each setting of a policy does to the schedule: collectives by count, wire bytes by formula, and how many blocks are whole at a time.</summary>
public class PolicyScheduleTests
{
    private const int Blocks = 6;

    // As FSDP2's tests count gathers under accumulation, for M micro-batches, B blocks and a root that is kept from forward to backward:
    //   resharded after forward:                          M (2 B + 1)
    //   kept until after backward:                        M (B + 1)
    //   resharded after forward, kept after backward:     (B + 1) + M B   (a forward finds what the backward before it has kept)
    //   kept throughout:                                  B + 1
    [Theory]
    [InlineData(true, false, 3, 3 * ((2 * Blocks) + 1))]
    [InlineData(false, false, 3, 3 * (Blocks + 1))]
    [InlineData(true, true, 3, Blocks + 1 + (3 * Blocks))]
    [InlineData(false, true, 3, Blocks + 1)]
    [InlineData(true, false, 1, (2 * Blocks) + 1)]
    [InlineData(false, false, 1, Blocks + 1)]
    public void Gathers_UnderAccumulation_AreThoseOfFSDP2(bool reshards, bool keeps, int microBatches, int gathers)
    {
        var schedule = Build(
            new ShardingPolicy { ReshardAfterForward = reshards ? ReshardAfterForward.Yes : ReshardAfterForward.No, KeepGathered = keeps }, 4, microBatches);
        Assert.Equal(gathers, schedule.Count(ScheduleEventKind.AllGather));
        Assert.Equal(microBatches * (Blocks + 1), schedule.Count(ScheduleEventKind.ReduceScatter));
    }

    // FSDP2 counts blocks + 1 backward gathers when the root is resharded too.
    [Fact]
    public void Root_ThatAnOverrideReshards_IsGatheredAgain()
    {
        var schedule = Build(new ShardingPolicy { Overrides = [new UnitOverride("root") { ReshardAfterForward = ReshardAfterForward.Yes }] }, 4);
        Assert.Equal(2 * (Blocks + 1), schedule.Count(ScheduleEventKind.AllGather));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    [InlineData(0, 3)]
    [InlineData(9, 9)]
    public void Prefetch_OfDepthN_HasTheRootAndNPlusOneBlocksWholeAtMost(int forward, int backward)
    {
        var (whole, most, isBackward) = (0, new int[2], 0);
        foreach (var e in Build(new ShardingPolicy { Prefetch = new PrefetchDepth(forward, backward) }, 4).Events)
        {
            isBackward |= e is { Kind: ScheduleEventKind.ForwardEnd, Unit: 0 } ? 1 : 0;
            whole += e.Unit == 0 ? 0 : e.Kind == ScheduleEventKind.AllGather ? 1 : e.Kind == ScheduleEventKind.Release ? -1 : 0;
            most[isBackward] = Math.Max(most[isBackward], whole);
        }

        Assert.Equal(0, whole);
        Assert.Equal([Math.Min(forward + 1, Blocks), Math.Min(backward + 1, Blocks)], most);
    }

    // hpZ: forward gathers among all N ranks, backward among the k neighbours, of S padded bytes: (N - 1) / N S and (k - 1) / k S on the wire.
    [Fact]
    public void SecondCopy_IsGatheredAmongTheNeighboursInBackward()
    {
        var schedule = Build(new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.Within(2) }, 8);
        var gathers = schedule.Collectives().Where(c => c.Operation == CollectiveOperation.AllGather && c.Event.Unit > 0).ToList();
        var bytes = schedule.Units[1].PaddedBytes;
        Assert.Equal(Enumerable.Repeat((8, bytes * 7 / 8), Blocks), gathers.Take(Blocks).Select(c => (c.Ranks, c.WireBytes)));
        Assert.Equal(Enumerable.Repeat((2, bytes / 2), Blocks), gathers.Skip(Blocks).Select(c => (c.Ranks, c.WireBytes)));
        Assert.Equal(Blocks, schedule.Count(ScheduleEventKind.Reshard));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Buckets_JoinNeighboursWhileTheyFit(int stage)
    {
        // Units of 1,000 elements are padded to 1,024 over two ranks; 7 units: three, three, and the root alone.
        var schedule = Build(new ShardingPolicy { Stage = stage, BucketElements = 3 * 1024 }, 2);
        var reductions = schedule.Collectives().Where(c => c.Operation != CollectiveOperation.AllGather).ToList();
        Assert.Equal(["h.5+h.4+h.3", "h.2+h.1+h.0", "root"], reductions.Select(c => c.Label));
        Assert.Equal([3 * 1024, 3 * 1024, 1024], reductions.Select(c => c.Elements));
        Assert.Equal(6, schedule.Count(ScheduleEventKind.Pack));
        Assert.Equal(3, schedule.Count(ScheduleEventKind.Accumulate));
        Assert.Equal(1, Build(new ShardingPolicy { Stage = stage, BucketElements = 1_000_000 }, 2).Collectives().Count(c => c.Operation != CollectiveOperation.AllGather));
    }

    // Within groups of S of N ranks: reduce-scatters of (S - 1) / S, and all-reduces of the slice over N / S replicas: 2 (R - 1) / R of 1 / S.
    [Fact]
    public void HybridMesh_ReducesWithin_ThenAcross()
    {
        var schedule = Build(new ShardingPolicy { ShardGroupSize = 4 }, 12);
        var bytes = schedule.Units[1].PaddedBytes;
        var unit = schedule.Collectives().Where(c => c.Event.Unit == 1).ToList();
        Assert.Equal(
            [
                (CollectiveOperation.AllGather, 4, bytes * 3 / 4), (CollectiveOperation.AllGather, 4, bytes * 3 / 4), (CollectiveOperation.ReduceScatter, 4, bytes * 3 / 4),
                (CollectiveOperation.AllReduce, 3, bytes / 4 * 4 / 3),
            ],
            unit.Select(c => (c.Operation, c.Ranks, c.WireBytes)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WorldOfOne_MakesNoCollective_WhateverThePolicy(int stage)
    {
        var plain = new ShardingPolicy { Stage = stage };
        var all = plain with { BucketElements = stage < 3 ? 5000 : 0, Ignored = stage > 0 ? ["**.bias"] : [], KeepGathered = stage == 3 };
        foreach (var policy in (ShardingPolicy[])[plain, all])
            foreach (var accumulation in (int[])[1, 3])
            {
                // Gathers, reductions and the scalars of clipping alike.
                var trace = (Engine.PolicyGridTests.Run(1, accumulation, policy) with { Steps = 3, GlobalRows = 3 * accumulation }).Run().Traces[0];
                Assert.DoesNotContain(trace.Module.TrainingSchedule.Events, e => e.IsCollective);
                Assert.Contains(trace.Module.TrainingSchedule.Events, e => e.Kind == ScheduleEventKind.Update);
                Assert.Empty(trace.Calls);
                Assert.Equal(0, trace.WireBytes);
                Assert.Equal(0, Enum.GetValues<CollectiveOperation>().Sum(trace.Module.Group.Recorder.CountOf));
            }
    }

    private static StepSchedule Build(ShardingPolicy policy, int ranks, int microBatches = 1) => Schedules.Of(new Blocks(Blocks, 1000), policy, ranks, microBatches);
}
