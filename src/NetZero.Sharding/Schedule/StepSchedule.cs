using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The ordered events of one step on one rank, declared before the first step from units and policy alone; the same on every rank.</summary>
/// <remarks>The runtime executes it, the planner predicts from it, tests verify against it, reports draw it. Collective order is a property of it.</remarks>
public sealed class StepSchedule
{
    private readonly ModelUnits _model;
    private readonly MeshExtent _mesh;
    private readonly GradientBuckets _buckets;

    internal StepSchedule(ModelUnits model, MeshExtent mesh, GradientBuckets buckets, IReadOnlyList<ScheduleEvent> events)
    {
        _model = model;
        _mesh = mesh;
        _buckets = buckets;
        Units = [.. model.Units.Select(u => u.Layout)];
        Events = events;
        UpdatePosition = events.TakeWhile(e => e.Kind != ScheduleEventKind.Update).Count();
    }

    /// <summary>The units: the root first, then the blocks in forward order.</summary>
    public IReadOnlyList<UnitLayout> Units { get; }

    /// <summary>The units of each block: the root's first.</summary>
    internal IEnumerable<IReadOnlyList<int>> Blocks => _model.Blocks.Select(block => block.Units);

    /// <summary>The events in order.</summary>
    public IReadOnlyList<ScheduleEvent> Events { get; }

    /// <summary>Forward passes of the step.</summary>
    public int MicroBatches => Events.Count == 0 ? 0 : Events[^1].MicroBatch + 1;

    /// <summary>The index of the first update: all gradients are complete there.</summary>
    internal int UpdatePosition { get; }

    /// <summary>How many events of one kind there are.</summary>
    public int Count(ScheduleEventKind kind) => Events.Count(e => e.Kind == kind);

    /// <summary>The ZeRO stage of a unit: the policy's, unless an override or an exclusion says otherwise; 0 in a world of one, where there is nobody to share with.</summary>
    public int StageOf(int unit) => _model.Units[unit].Policy.Stage;

    /// <summary>Whether a unit is frozen: gathered and used, never reduced and never updated.</summary>
    public bool IsFrozen(int unit) => _model.Units[unit].IsFrozen;

    /// <summary>The types in which a unit is kept, computed with, accumulated and reduced.</summary>
    public UnitPrecision PrecisionOf(int unit) => _model.Units[unit].Precision;

    /// <summary>The units whose gradients are reduced together with a unit's, itself included, in the order in which backward completes them.</summary>
    public IReadOnlyList<int> BucketOf(int unit) => _buckets.Of(unit);

    /// <summary>The collectives that the events start, in order, with what they move.</summary>
    public IEnumerable<ScheduledCollective> Collectives()
    {
        var (hasSecondCopy, isReducedWithin) = (new bool[Units.Count], new bool[Units.Count]);
        foreach (var e in Events)
        {
            if (e.Kind is ScheduleEventKind.Reshard or ScheduleEventKind.Release)
                hasSecondCopy[e.Unit] = e.Kind == ScheduleEventKind.Reshard;
            if (e.IsCollective)
                yield return e.Kind == ScheduleEventKind.AllGather ? Gather(e, hasSecondCopy[e.Unit]) : Reduction(e, isReducedWithin[e.Unit]);
            if (e.Kind is ScheduleEventKind.ReduceScatter or ScheduleEventKind.AllReduce or ScheduleEventKind.Accumulate)
                isReducedWithin[e.Unit] = e.Kind != ScheduleEventKind.Accumulate;
        }
    }

    /// <summary>One event a line: micro-batch, kind, unit.</summary>
    public override string ToString() =>
        string.Join('\n', Events.Select(e => $"{e.MicroBatch} {e.Kind} {Units[e.Unit].Name}"));

    private ScheduledCollective Gather(ScheduleEvent e, bool isWithinSmallGroup)
    {
        var ranks = isWithinSmallGroup ? _model.Units[e.Unit].Policy.ReshardAfterForward.GroupSize : _mesh.Shards;
        return Collective(
            e, CollectiveOperation.AllGather, Units[e.Unit].Name, isWithinSmallGroup ? ShardingGroups.SecondCopy : ShardingGroups.ShardAxis,
            ranks, Units[e.Unit].PaddedElements, PrecisionOf(e.Unit).Parameters);
    }

    private ScheduledCollective Reduction(ScheduleEvent e, bool isOverReplicas)
    {
        var bucket = _buckets.Of(e.Unit).Select(u => Units[u]).ToList();
        var slices = isOverReplicas && _model.Units[e.Unit].Policy.Stage > 0;
        return Collective(
            e, e.Kind == ScheduleEventKind.AllReduce ? CollectiveOperation.AllReduce : CollectiveOperation.ReduceScatter, string.Join('+', bucket.Select(u => u.Name)),
            isOverReplicas ? ShardingGroups.ReplicateAxis : ShardingGroups.ShardAxis, isOverReplicas ? _mesh.Replicas : _mesh.Shards,
            bucket.Sum(u => slices ? u.ShardElements : u.PaddedElements), PrecisionOf(e.Unit).Reduction);
    }

    private static ScheduledCollective Collective(
        ScheduleEvent e, CollectiveOperation operation, string label, string axis, int ranks, long elements, DType dtype)
    {
        var bytes = elements * dtype.SizeInBytes();
        return new(e, operation, label, axis, ranks, elements, bytes, WireBytes.Of(operation, bytes, ranks));
    }
}

/// <summary>A collective that a schedule declares.</summary>
/// <param name="Event">The event that starts it.</param>
/// <param name="Operation">What is done.</param>
/// <param name="Label">Whose it is: the unit, or the units of its bucket joined by <c>+</c>.</param>
/// <param name="Axis">
/// Over whom: the mesh's axis <c>shard</c> or <c>replicate</c>, or <c>reshard</c> for the small group that keeps a second copy.
/// </param>
/// <param name="Ranks">How many ranks take part.</param>
/// <param name="Elements">Elements of the whole message.</param>
/// <param name="Bytes">Bytes of the whole message, in the type in which it travels.</param>
/// <param name="WireBytes">Bytes that this rank sends.</param>
public sealed record ScheduledCollective(
    ScheduleEvent Event, CollectiveOperation Operation, string Label, string Axis, int Ranks, long Elements, long Bytes, long WireBytes);
