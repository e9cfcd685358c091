namespace NetZero.Sharding;

/// <summary>Declares when gradients are reduced: each bucket when its last unit is complete, and taken over when the next one starts.</summary>
/// <remarks>
/// Note: two levels of reduction. Under hybrid sharding a bucket is reduce-scattered within the shard group (all-reduced at stage 0), then what that left is all-reduced over the
/// replicas, and each of the two runs beside the backward pass of one block. What the second reduces is held until it is over; whole gradients of which a slice is kept go when the
/// first is. Every stage adds in this order, so that all have the same bits.
/// </remarks>
internal sealed class ReductionPlan(ModelUnits model, GradientBuckets buckets, MeshExtent mesh, Action<ScheduleEventKind, int> add)
{
    private readonly List<int> _first = [];
    private readonly List<int> _last = [];

    /// <summary>The gradients of a block are complete: starts the buckets that it closes, and takes over those before them.</summary>
    public void Complete(int block)
    {
        var closing = new List<int>();
        foreach (var unit in model.Blocks[block].Units.Where(u => model.Units[u].Trains))
        {
            if (buckets.IsPacked(unit))
                add(ScheduleEventKind.Pack, unit);
            if (buckets.Closes(unit))
                closing.Add(unit);
        }

        if (closing.Count == 0)
            return;
        TakeOver();
        foreach (var unit in closing)
            Start(unit);
    }

    /// <summary>Takes over all that is under way.</summary>
    public void Finish()
    {
        TakeOver();
        TakeOver();
    }

    private void TakeOver()
    {
        foreach (var unit in _last)
            add(ScheduleEventKind.Accumulate, unit);
        _last.Clear();
        foreach (var unit in _first)
        {
            add(ScheduleEventKind.AllReduce, unit);
            _last.Add(unit);
        }

        _first.Clear();
    }

    private void Start(int unit)
    {
        if (mesh.Ranks > 1)
            add(model.Units[unit].Policy.Stage > 0 ? ScheduleEventKind.ReduceScatter : ScheduleEventKind.AllReduce, unit);
        (mesh.Replicas > 1 ? _first : _last).Add(unit);
    }
}
