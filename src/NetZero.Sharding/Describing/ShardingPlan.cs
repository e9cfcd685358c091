using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>What a training step of a sharded model comes to on one rank: units, events, bytes. Made by <see cref="FullyShard.Describe(ShardedModule, Action, IScheduleObserver)"/>.</summary>
public sealed class ShardingPlan
{
    internal ShardingPlan(ShardedModule module, MemoryTimeline timeline)
    {
        Policy = module.Policy;
        Rank = module.Group.Rank;
        Ranks = module.Group.Size;
        Schedule = module.TrainingSchedule;
        Before = timeline.Before;
        Points = timeline.Points;
        WireBytes = Schedule.Collectives().Sum(collective => collective.WireBytes);
        Phases = SchedulePhase.Of([.. Points.Select(point => point.Event)]);
        Peak = KindBytes.PeakOf(module.Tensors.Ledger);
        Highest = Points.Select(point => point.Highest).Prepend(Before).MaxBy(bytes => bytes.Total)!;
    }

    /// <summary>What is sharded.</summary>
    public ShardingPolicy Policy { get; }

    /// <summary>Whose plan it is. Slices are of equal length, so the others' differ in nothing but their inputs.</summary>
    public int Rank { get; }

    /// <summary>Over how many ranks.</summary>
    public int Ranks { get; }

    /// <summary>The units and the events of a step.</summary>
    public StepSchedule Schedule { get; }

    /// <summary>What lives before the first event: the resting state.</summary>
    public KindBytes Before { get; }

    /// <summary>What lives after each event of <see cref="Schedule"/>, in its order. Conditional blocks that the step left out have no passes here.</summary>
    public IReadOnlyList<MemoryPoint> Points { get; }

    /// <summary>The passes of the step and its update, as stretches of <see cref="Points"/>; together all of them.</summary>
    public IReadOnlyList<SchedulePhase> Phases { get; }

    /// <summary>The most of each kind at any time of the step, and of all together at one time.</summary>
    public KindBytes Peak { get; }

    /// <summary>What lives at the step's highest moment.</summary>
    public KindBytes Highest { get; }

    /// <summary>Bytes that the rank sends in the step, without scalars.</summary>
    public long WireBytes { get; }

    /// <summary>Units, events and peak, in lines of at most 100 characters.</summary>
    public override string ToString() => string.Join('\n', PlanText.Lines(this));
}
