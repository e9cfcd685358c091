using NetZero.Nn;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A rank that is late before or after any one event of a step changes no bit, and nothing waits for ever.</summary>
public class DelayTests
{
    private const int Ranks = 4;

    public static TheoryData<string, ShardingPolicy> Policies => new()
    {
        { "ddp", ShardingPolicy.DataParallel },
        { "zero1 in buckets", new ShardingPolicy { Stage = 1, BucketElements = 2000 } },
        { "zero2", ShardingPolicy.Zero2 },
        { "zero3", ShardingPolicy.Zero3 },
        { "zero3, second copy, kept", new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.Within(2), KeepGathered = true, Prefetch = new PrefetchDepth(2, 0) } },
        { "hybrid", new ShardingPolicy { ShardGroupSize = 2 } },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void LateRank_BeforeOrAfterAnyEvent_ChangesNoBit(string name, ShardingPolicy policy)
    {
        var run = new ToyRun
        {
            Model = () => new ToyModel(2),
            Ranks = Ranks,
            Steps = Ranks,
            GlobalRows = 2 * Ranks,
            AccumulationSteps = 2,
            Clip = 0.1,
            Policy = policy,
            Optimizer = parameters => new AdamW(parameters),
        };
        var prompt = run.Run();
        var schedule = prompt.Traces[0].Module.TrainingSchedule;

        // The end of a pass is told once, after it: its beginning is that of the pass.
        var befores = schedule.Events.Count(e => e.Kind is not (ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd));
        var moments = Enumerable.Range(0, befores).Select(i => new Moment(false, i, befores))
            .Concat(Enumerable.Range(0, schedule.Events.Count).Select(i => new Moment(true, i, schedule.Events.Count))).ToList();
        foreach (var moment in moments)
        {
            var delayed = 0;
            (run with { Observe = rank => new Late(rank.Rank, moment, () => Interlocked.Increment(ref delayed)) }).Run().AssertSameBits(prompt);
            Assert.True(delayed == Ranks, $"{name}: {delayed} of {Ranks} delays took place at {moment}");
        }
    }

    /// <summary>Before or after an event of each step.</summary>
    /// <param name="After">Whether after it.</param>
    /// <param name="Index">Which one, counted within a step on its side.</param>
    /// <param name="Count">How many there are on its side in a step.</param>
    private sealed record Moment(bool After, int Index, int Count);

    /// <summary>Sleeps at a moment of one step; each rank does so in another one, so that over as many steps as ranks the moment meets them all.</summary>
    private sealed class Late(int rank, Moment moment, Action slept) : IScheduleObserver
    {
        private int _before;
        private int _after;

        public void OnStarting(in ScheduleEvent scheduled, string unit) => Sleep(false, _before++);

        public void OnEvent(in ScheduleRecord record) => Sleep(true, _after++);

        private void Sleep(bool after, int now)
        {
            var (step, index) = Math.DivRem(now, moment.Count);
            if (after != moment.After || index != moment.Index || (step + index) % Ranks != rank)
                return;
            slept();
            Thread.Sleep(4);
        }
    }
}
