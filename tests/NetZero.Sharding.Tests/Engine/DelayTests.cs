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
            Steps = 1,
            GlobalRows = 2 * Ranks,
            AccumulationSteps = 2,
            Clip = 0.1,
            Policy = policy,
            Optimizer = parameters => new AdamW(parameters),
        };
        var prompt = run.Run();
        var events = prompt.Traces[0].Module.TrainingSchedule.Events.Count(e => e.Kind is not (ScheduleEventKind.ForwardEnd or ScheduleEventKind.BackwardEnd));
        var delayed = 0;
        for (var moment = 0; moment < 2 * events; moment++)
        {
            // The late rank goes round, so that every event meets several.
            var late = (moment / 2 + moment) % Ranks;
            var at = moment;
            (run with
            {
                Observe = rank => rank.Rank == late ? new Late(at, () => Interlocked.Increment(ref delayed)) : null,
            }).Run().AssertSameBits(prompt);
        }

        Assert.True(delayed == 2 * events, $"{name}: {delayed} of {2 * events} delays took place");
    }

    /// <summary>Sleeps at one moment: before (even) or after (odd) an event, counted over the step.</summary>
    private sealed class Late(int moment, Action slept) : IScheduleObserver
    {
        private int _before = -2;
        private int _after = -1;

        public void OnStarting(in ScheduleEvent scheduled, string unit) => Sleep(_before += 2);

        public void OnEvent(in ScheduleRecord record) => Sleep(_after += 2);

        private void Sleep(int now)
        {
            if (now != moment)
                return;
            slept();
            Thread.Sleep(4);
        }
    }
}
