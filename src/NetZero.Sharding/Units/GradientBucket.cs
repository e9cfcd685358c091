using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The gradients of one unit, or of several neighbours, on their way over the ranks.</summary>
/// <remarks>
/// A single unit is reduced where backward wrote it, unless it travels in another type. Several, or one that is converted, are copied into one buffer in rank order (all first slices, all second slices, ...), so that one call moves them and every
/// rank still gets its slice of each unit: the bits are those of single units. See [Note: two levels of reduction] in <c>ReductionPlan</c>.
/// </remarks>
internal sealed class GradientBucket
{
    private readonly IReadOnlyList<UnitGradients> _members;
    private readonly TensorContext _context;
    private readonly ShardingGroups _groups;
    private readonly ShardingPolicy _policy;
    private readonly string _label;
    private readonly DType _dtype;
    private readonly long _shardElements;
    private readonly Storage? _packed;
    private readonly Storage? _held;
    private Work? _reduction;
    private Tensor? _reduced;

    public GradientBucket(IReadOnlyList<UnitGradients> members, TensorContext context, ShardingGroups groups, ShardingPolicy policy, int microBatches)
    {
        _members = members;
        _context = context;
        _groups = groups;
        _policy = policy;
        _label = string.Join('+', members.Select(m => m.Layout.Name));
        _shardElements = members.Sum(m => m.Layout.ShardElements);
        _dtype = members[0].Precision.Reduction;
        if (members.Count > 1 || (members[0].Precision.ConvertsGradients && groups.World.Size > 1))
            _packed = context.Reserve(_label, members.Sum(m => m.Layout.PaddedElements) * _dtype.SizeInBytes(), MemoryKind.Communication);
        else if (groups.Replicate is not null && policy.ShardsGradients && microBatches > 1 && policy.Reduction == GradientReduction.EachMicroBatch)
            _held = context.Reserve(_label, _shardElements * _dtype.SizeInBytes(), MemoryKind.Gradient);
    }

    // Sums of two levels in fp32 are scaled once, behind both, as everywhere (see [Note: the canonical tree] in TreeReduction): the
    // order and the bits of the flat mesh where groups are powers of two. In 16 bits that would round a third time, and a sum can
    // overflow whose mean does not: there each level takes its mean, which fp32 holds before it is rounded.
    private bool ScalesOnce => _groups.Replicate is not null && _dtype == DType.F32;

    private ReduceOp LevelOp => ScalesOnce ? ReduceOp.Sum : ReduceOp.Average;

    /// <summary>Copies a member's gradients into the bucket; its own buffer goes where nothing else is kept there.</summary>
    public void Pack(UnitGradients member)
    {
        _packed!.Materialize();
        Parts(member).CopyFrom(member.Slices);
        if (_policy.ShardsGradients)
            member.LetBufferGo();
    }

    /// <summary>Starts a reduction: within the shard group, or over the replicas what that has left.</summary>
    public void Start(ScheduleEventKind kind)
    {
        if (_reduction is not null)
        {
            ReduceOverReplicas();
            return;
        }

        var whole = CollectiveBuffer.Of(Whole());
        _reduced = kind == ScheduleEventKind.ReduceScatter ? ScatterTarget() : Whole();
        _reduction = kind == ScheduleEventKind.ReduceScatter
            ? _groups.Shard.ReduceScatter(_label, whole, CollectiveBuffer.Of(_reduced), LevelOp)
            : _groups.Shard.AllReduce(_label, whole, LevelOp);
    }

    /// <summary>Takes the reduced gradients over: sets or adds to the sums, and lets buffers go that are not the sums.</summary>
    public void Accumulate()
    {
        _reduction?.WaitInputs();
        _reduction = null;
        if (ScalesOnce)
            _reduced!.ScaleInPlace(1f / _groups.World.Size);
        foreach (var member in _members)
            Accumulate(member);
        _reduced = null;
        _packed?.Evict("the gradients have been reduced");
        _held?.Evict("the gradients have been reduced");
    }

    /// <summary>Whether a reduction is in flight.</summary>
    public bool IsInFlight => _reduction is { IsCompleted: false };

    /// <summary>Waits for a reduction that a step had left in flight.</summary>
    public void Settle() => _reduction?.WaitInputs();

    /// <summary>Forgets what a step left, which is not in flight any more.</summary>
    public void Reset()
    {
        _reduction = null;
        _reduced = null;
        _packed?.Evict("the step has ended");
        _held?.Evict("the step has ended");
    }

    private void ReduceOverReplicas()
    {
        _reduction!.WaitInputs();
        if (_packed is null && _policy.ShardsGradients)
            _members[0].LetBufferGo();
        _reduction = _groups.Replicate!.AllReduce(_label, CollectiveBuffer.Of(_reduced!), LevelOp);
    }

    private Tensor ScatterTarget()
    {
        if (_packed is not null)
            return _context.View(_packed, _groups.Shard.Rank * _shardElements, [_shardElements], _dtype);
        if (_held is null || !_members[0].HasSum)
            return _members[0].ScatterTarget();
        _held.Materialize();
        return _context.View(_held, 0, [_shardElements], _dtype);
    }

    private void Accumulate(UnitGradients member)
    {
        if (_policy.ShardsGradients)
        {
            member.AccumulateSlice(_packed is null ? _reduced! : OwnPart(member));
            return;
        }

        if (_packed is null)
            member.AccumulateBuffer();
        else
            member.AccumulateWhole(OwnPart(member), Parts(member));
    }

    private Tensor Whole() => _packed is null ? _members[0].Whole : _context.View(_packed, 0, [_packed.Bytes / _dtype.SizeInBytes()], _dtype);

    // A unit's slices within the bucket, a row each. [ranks, ShardElements]
    private Tensor Parts(UnitGradients member) =>
        _context.View(_packed!, 0, [member.Layout.WorldSize, _shardElements], _dtype).Slice(1, Before(member), member.Layout.ShardElements);

    private Tensor OwnPart(UnitGradients member) =>
        _context.View(_packed!, (_groups.Shard.Rank * _shardElements) + Before(member), [member.Layout.ShardElements], _dtype);

    private long Before(UnitGradients member) => _members.TakeWhile(m => m != member).Sum(m => m.Layout.ShardElements);
}
