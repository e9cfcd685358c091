namespace NetZero.Sharding;

/// <summary>Declares the events of a step.</summary>
/// <remarks>
/// Note: a parameter's life under ZeRO-3. The gather of a block starts before the block in front of it computes; it is released as soon as its forward has
/// ended, gathered again before the block behind it runs backward, and released when its gradients are complete. (Between threads a start publishes the rank's slice, and
/// bytes move when somebody waits for them; a transport with a thread or a device of its own moves them meanwhile.) The root unit (embeddings, final norm, tied head) is
/// gathered at its first use and released after its last backward. So at most the root and two blocks are whole at any time.
/// Note: a gradient's life. A unit's gradients are written into one flat buffer. When they are complete the reduction starts, and it is taken over one unit
/// later, just before the next one starts; so at most the root and two blocks have whole gradients at any time where gradients are sharded.
/// </remarks>
internal sealed class StepScheduleBuilder(IReadOnlyList<UnitLayout> units, ShardingPolicy policy, int worldSize)
{
    private const int Root = 0;
    private readonly List<ScheduleEvent> _events = [];
    private int _microBatch;

    private bool Gathers => policy.ShardsParameters && worldSize > 1;

    private int Blocks => units.Count - 1;

    /// <summary>A training step of <paramref name="microBatches"/> forward and backward passes and an update.</summary>
    public StepSchedule Training(int microBatches)
    {
        for (_microBatch = 0; _microBatch < microBatches; _microBatch++)
        {
            Forward();
            Backward(reduces: policy.Reduction == GradientReduction.EachMicroBatch || _microBatch == microBatches - 1);
        }

        _microBatch = microBatches - 1;
        Update();
        return new StepSchedule(units, [.. _events]);
    }

    /// <summary>A forward pass without gradients.</summary>
    public StepSchedule Evaluation()
    {
        Forward();
        if (Gathers)
            Add(ScheduleEventKind.Release, Root);
        return new StepSchedule(units, [.. _events]);
    }

    private void Forward()
    {
        Gather(Root);
        if (Blocks > 0)
            Gather(1);
        Add(ScheduleEventKind.Forward, Root);
        for (var block = 1; block <= Blocks; block++)
        {
            if (block < Blocks)
                Gather(block + 1);
            Add(ScheduleEventKind.Forward, block);
            Add(ScheduleEventKind.ForwardEnd, block);
            Release(block);
        }

        Add(ScheduleEventKind.ForwardEnd, Root);
    }

    private void Backward(bool reduces)
    {
        if (Blocks > 0)
            Gather(Blocks);
        Add(ScheduleEventKind.Backward, Root);
        for (var block = Blocks; block >= 1; block--)
        {
            if (block > 1)
                Gather(block - 1);
            Add(ScheduleEventKind.Backward, block);
            Add(ScheduleEventKind.BackwardEnd, block);
            Release(block);
            if (reduces && block < Blocks)
                Add(ScheduleEventKind.Accumulate, block + 1);
            if (reduces)
                Reduce(block);
        }

        Add(ScheduleEventKind.BackwardEnd, Root);
        Release(Root);
        if (!reduces)
            return;
        if (Blocks > 0)
            Add(ScheduleEventKind.Accumulate, 1);
        Reduce(Root);
        Add(ScheduleEventKind.Accumulate, Root);
    }

    private void Update()
    {
        for (var unit = 0; unit < units.Count; unit++)
        {
            Add(ScheduleEventKind.Update, unit);
            if (policy.ShardsOptimizer && !policy.ShardsParameters && worldSize > 1)
                Add(ScheduleEventKind.AllGather, unit);
        }
    }

    private void Gather(int unit)
    {
        if (Gathers)
            Add(ScheduleEventKind.AllGather, unit);
    }

    private void Release(int unit)
    {
        if (Gathers)
            Add(ScheduleEventKind.Release, unit);
    }

    private void Reduce(int unit)
    {
        if (worldSize > 1)
            Add(policy.Stage == 0 ? ScheduleEventKind.AllReduce : ScheduleEventKind.ReduceScatter, unit);
    }

    private void Add(ScheduleEventKind kind, int unit) => _events.Add(new ScheduleEvent(kind, unit, _microBatch));
}
