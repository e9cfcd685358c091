namespace NetZero.Sharding;

/// <summary>The ordered events of one step on one rank, declared before the first step from units and policy alone; the same on every rank.</summary>
/// <remarks>The runtime executes it, the planner predicts from it, tests verify against it, reports draw it. Collective order is a property of it.</remarks>
public sealed class StepSchedule
{
    internal StepSchedule(IReadOnlyList<UnitLayout> units, IReadOnlyList<ScheduleEvent> events)
    {
        Units = units;
        Events = events;
    }

    /// <summary>The units: the root first, then the blocks in forward order.</summary>
    public IReadOnlyList<UnitLayout> Units { get; }

    /// <summary>The events in order.</summary>
    public IReadOnlyList<ScheduleEvent> Events { get; }

    /// <summary>Forward passes of the step.</summary>
    public int MicroBatches => Events.Count == 0 ? 0 : Events[^1].MicroBatch + 1;

    /// <summary>How many events of one kind there are.</summary>
    public int Count(ScheduleEventKind kind) => Events.Count(e => e.Kind == kind);

    /// <summary>One event a line: micro-batch, kind, unit.</summary>
    public override string ToString() =>
        string.Join('\n', Events.Select(e => $"{e.MicroBatch} {e.Kind} {Units[e.Unit].Name}"));
}
