namespace NetZero.Sharding;

/// <summary>Declares the events of a step.</summary>
/// <remarks>
/// Note: a parameter's life under ZeRO-3. The gather of a block starts before the block in front of it computes (at the default prefetch depth, 1); it is released as soon as
/// its forward has ended, gathered again before the block behind it runs backward, and released when its gradients are complete. (Between threads a start publishes the rank's slice,
/// and bytes move when somebody waits for them; a transport with a thread or a device of its own moves them meanwhile.) The root unit (embeddings, final norm, tied head) is
/// gathered at its first use and released after its last backward. So at depth n at most the root and n + 1 blocks are whole at any time.
/// Note: a gradient's life. A unit's gradients are written into one flat buffer. When they are complete the reduction starts, and it is taken over one unit
/// later, just before the next one starts; so at most the root and two blocks have whole gradients at any time where gradients are sharded.
/// </remarks>
internal sealed class StepScheduleBuilder
{
    private const int Root = 0;
    private readonly ModelUnits _model;
    private readonly ShardingPolicy _policy;
    private readonly MeshExtent _mesh;
    private readonly GradientBuckets _buckets;
    private readonly GatherPlan _gathers;
    private readonly List<ScheduleEvent> _events = [];
    private int _microBatch;

    public StepScheduleBuilder(ModelUnits model, ShardingPolicy policy, MeshExtent mesh)
    {
        _model = model;
        _policy = policy;
        _mesh = mesh;
        _buckets = new GradientBuckets(model, mesh.Ranks > 1 ? policy.BucketElements : 0, reduces: mesh.Ranks > 1);
        _gathers = new GatherPlan(model, mesh.Shards, Add);
    }

    private int Visits => _model.Visits.Count;

    /// <summary>A training step of <paramref name="microBatches"/> forward and backward passes and an update.</summary>
    public StepSchedule Training(int microBatches)
    {
        for (_microBatch = 0; _microBatch < microBatches; _microBatch++)
        {
            var last = _microBatch == microBatches - 1;
            Forward(_gathers.ReshardAfterForward);
            Backward(reduces: last || _policy.Reduction == GradientReduction.EachMicroBatch, keeps: _policy.KeepGathered && !last);
        }

        _microBatch = microBatches - 1;
        Update();
        return Schedule();
    }

    /// <summary>A forward pass without gradients: nothing is kept for a backward.</summary>
    public StepSchedule Evaluation()
    {
        Forward(_gathers.Release);
        return Schedule();
    }

    private void Forward(Action<int> letGo)
    {
        var depth = _policy.Prefetch.Forward;
        _gathers.Gather(Root);
        for (var visit = 0; visit < depth; visit++)
            GatherVisit(visit);
        Add(ScheduleEventKind.Forward, Unit(Root));
        for (var visit = 0; visit < Visits; visit++)
        {
            var block = _model.Visits[visit];
            GatherVisit(visit + depth);
            Add(ScheduleEventKind.Forward, Unit(block));
            Add(ScheduleEventKind.ForwardEnd, Unit(block));
            if (!ComesAgain(block, visit + 1, depth, 1))
                letGo(block);
        }

        Add(ScheduleEventKind.ForwardEnd, Unit(Root));
        letGo(Root);
    }

    private void Backward(bool reduces, bool keeps)
    {
        var depth = _policy.Prefetch.Backward;
        var reductions = new ReductionPlan(_model, _buckets, _mesh, Add);
        _gathers.Gather(Root);
        for (var ahead = 0; ahead < depth; ahead++)
            GatherVisit(Visits - 1 - ahead);
        Add(ScheduleEventKind.Backward, Unit(Root));
        for (var visit = Visits - 1; visit >= 0; visit--)
        {
            var block = _model.Visits[visit];
            GatherVisit(visit - depth);
            Add(ScheduleEventKind.Backward, Unit(block));
            if (_model.Blocks[block].Recomputes)
            {
                Add(ScheduleEventKind.Recompute, Unit(block));
                Add(ScheduleEventKind.RecomputeEnd, Unit(block));
            }

            Add(ScheduleEventKind.BackwardEnd, Unit(block));
            if (!keeps && !ComesAgain(block, visit - 1, depth, -1))
                _gathers.Release(block);
            if (reduces && !_model.Visits.Take(visit).Contains(block))
                reductions.Complete(block);
        }

        Add(ScheduleEventKind.BackwardEnd, Unit(Root));
        if (!keeps)
            _gathers.Release(Root);
        if (!reduces)
            return;
        reductions.Complete(Root);
        reductions.Finish();
    }

    private void Update()
    {
        for (var unit = 0; unit < _model.Units.Count; unit++)
        {
            if (!_model.Units[unit].Trains)
                continue;
            Add(ScheduleEventKind.Update, unit);
            if (_model.Units[unit].Policy is { ShardsOptimizer: true, ShardsParameters: false } && _mesh.Shards > 1)
                Add(ScheduleEventKind.AllGather, unit);
        }
    }

    private void GatherVisit(int visit)
    {
        if (visit >= 0 && visit < Visits)
            _gathers.Gather(_model.Visits[visit]);
    }

    // Whether a block runs again so soon that its gather would be under way already.
    private bool ComesAgain(int block, int from, int depth, int direction)
    {
        for (var i = 0; i < Math.Max(depth, 1); i++)
        {
            var visit = from + (i * direction);
            if (visit >= 0 && visit < Visits && _model.Visits[visit] == block)
                return true;
        }

        return false;
    }

    private int Unit(int block) => _model.Blocks[block].Units[0];

    private StepSchedule Schedule() => new(_model, _mesh, _buckets, [.. _events]);

    private void Add(ScheduleEventKind kind, int unit) => _events.Add(new ScheduleEvent(kind, unit, _microBatch));
}
