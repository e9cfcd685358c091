using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The gradients of one unit on one rank: the flat buffer that backward writes, and what is kept of the reduction until the update.</summary>
/// <remarks>
/// See [Note: a gradient's life] in <c>StepScheduleBuilder</c>. Where whole gradients are kept and nothing else needs the buffer, the buffer itself is the sum: no copy.
/// </remarks>
internal sealed class UnitGradients
{
    private readonly UnitLayout _layout;
    private readonly TensorContext _context;
    private readonly ProcessGroup _group;
    private readonly ShardingPolicy _policy;
    private readonly Storage _buffer;
    private readonly Storage? _sum;
    private readonly UnitGradientLeaf[] _leaves;
    private Work? _reduction;
    private bool _hasSum;

    public UnitGradients(UnitLayout layout, TensorContext context, ProcessGroup group, ShardingPolicy policy, int microBatches)
    {
        _layout = layout;
        _context = context;
        _group = group;
        _policy = policy;
        _buffer = context.Reserve(layout.Name, layout.PaddedBytes, MemoryKind.Gradient);
        if (policy.ShardsGradients)
            _sum = context.Reserve(layout.Name, layout.ShardElements * sizeof(float), MemoryKind.Gradient);
        else if (microBatches > 1 && policy.Reduction == GradientReduction.EachMicroBatch)
            _sum = context.Reserve(layout.Name, layout.PaddedBytes, MemoryKind.Gradient);
        _leaves = new UnitGradientLeaf[layout.Placements.Count];
        for (var i = 0; i < _leaves.Length; i++)
        {
            var placement = layout.Placements[i];
            _leaves[i] = new UnitGradientLeaf(placement.Name, context.View(_buffer, placement.Offset, placement.Parameter.Shape));
            placement.Parameter.Value.RequireGrad(_leaves[i]);
        }
    }

    /// <summary>This rank's slice of the reduced gradients. [ShardElements]</summary>
    public Tensor Slice => _policy.ShardsGradients ? View(_sum!, 0, _layout.ShardElements) : View(_sum ?? _buffer, _layout.ShardStart(_group.Rank), _layout.ShardElements);

    /// <summary>The gradients of what this rank updates: its slice, or the whole where the optimizer is replicated.</summary>
    public Tensor Resident => _policy.ShardsOptimizer ? Slice : View(_sum ?? _buffer, 0, _layout.PaddedElements);

    /// <summary>The unit's backward begins: the buffer must be there.</summary>
    public void Begin()
    {
        if (_buffer.IsResident)
            return;
        _buffer.Materialize();
        foreach (var leaf in _leaves)
            leaf.Forget();
        var padding = _layout.PaddedElements - _layout.Elements;
        if (padding > 0)
            View(_buffer, _layout.Elements, padding).Fill(0);
    }

    /// <summary>The unit's backward has ended: what no op wrote has the gradient zero.</summary>
    public void End()
    {
        foreach (var leaf in _leaves)
            leaf.CompleteWithZero();
    }

    /// <summary>Starts averaging over the ranks.</summary>
    public void StartReduction(ScheduleEventKind kind)
    {
        var buffer = CollectiveBuffer.Of(View(_buffer, 0, _layout.PaddedElements));
        if (kind == ScheduleEventKind.AllReduce)
        {
            _reduction = _group.AllReduce(_layout.Name, buffer, ReduceOp.Average);
            return;
        }

        var slice = View(_buffer, _layout.ShardStart(_group.Rank), _layout.ShardElements);
        if (_policy.ShardsGradients && !_hasSum)
        {
            // The first reduction of a step goes straight to where its sum is kept.
            _sum!.Materialize();
            slice = View(_sum, 0, _layout.ShardElements);
        }

        _reduction = _group.ReduceScatter(_layout.Name, buffer, CollectiveBuffer.Of(slice), ReduceOp.Average);
    }

    /// <summary>Takes the reduced gradients over: sets or adds to the sum, and lets the buffer go unless it is the sum.</summary>
    public void Accumulate()
    {
        _reduction?.WaitInputs();
        _reduction = null;
        if (_policy.ShardsGradients)
        {
            if (_hasSum)
                View(_sum!, 0, _layout.ShardElements).AddInPlace(View(_buffer, _layout.ShardStart(_group.Rank), _layout.ShardElements));
            _buffer.Evict("the gradients have been reduced");
        }
        else if (_sum is not null && !_hasSum)
        {
            _sum.TakeFrom(_buffer);
        }
        else if (_sum is not null)
        {
            Resident.AddInPlace(_policy.ShardsOptimizer
                ? View(_buffer, _layout.ShardStart(_group.Rank), _layout.ShardElements)
                : View(_buffer, 0, _layout.PaddedElements));
            _buffer.Evict("the gradients have been reduced");
        }

        _hasSum = true;
    }

    /// <summary>Lets all gradients go, unless a reduction is in flight: then <see cref="Settle"/> does.</summary>
    public void Reset()
    {
        if (_reduction is { IsCompleted: false })
            return;
        _buffer.Evict("the step has ended");
        _sum?.Evict("the step has ended");
        _reduction = null;
        _hasSum = false;
    }

    /// <summary>Waits for a reduction that a step had left in flight, and lets the gradients go.</summary>
    public void Settle()
    {
        _reduction?.WaitInputs();
        Reset();
    }

    private Tensor View(Storage storage, long start, long length) => _context.View(storage, start, [length]);
}

/// <summary>A parameter's place in its unit's gradient buffer.</summary>
internal sealed class UnitGradientLeaf(string name, Tensor place) : GradientLeaf
{
    public override Tensor? Gradient => place;

    public void Forget() => HasValue = false;

    public void CompleteWithZero()
    {
        if (HasValue)
            return;
        place.Fill(0);
        HasValue = true;
    }

    protected override Tensor Prepare() =>
        place.Storage.IsResident
            ? place
            : throw new InvalidOperationException($"Parameter '{name}' got a gradient outside its unit's backward; use it inside the module that owns it.");
}
