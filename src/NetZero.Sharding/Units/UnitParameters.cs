using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The parameters of one unit on one rank: the values that are sharded and updated, and what the model computes with.</summary>
/// <remarks>
/// <para>Parameters are bound once as views of the flat buffer that the model computes with. Under stage 3 that is a reserved storage without memory most of the time: see
/// [Note: who frees a tensor] in <see cref="Storage"/> and [Note: a parameter's life under ZeRO-3] in <c>StepScheduleBuilder</c>.</para>
/// <para>Note: masters and copies. Where a unit computes in the type of its values (fp32, or frozen in a type of its own) the two are the same memory below stage 3. Otherwise the
/// values are fp32 masters of this rank's slice (of the whole where the optimizer is replicated), and the model's buffer is filled from them: 16-bit copies are narrowed into this rank's
/// part of it and gathered in place, so that no rank holds a 16-bit slice beside it.</para>
/// </remarks>
internal sealed class UnitParameters
{
    private readonly UnitLayout _layout;
    private readonly TensorContext _context;
    private readonly ProcessGroup _group;
    private readonly DType _dtype;
    private readonly bool _comesAndGoes;
    private readonly bool _sharesUpdates;
    private readonly Storage _whole;
    private readonly SecondCopy? _copy;
    private Storage _values;
    private DType _valuesDType;
    private Work? _gather;
    private Work? _awaited;
    private bool _ready;

    public UnitParameters(UnitLayout layout, TensorContext context, ShardingGroups groups, ShardingPolicy policy, UnitPrecision precision)
    {
        _layout = layout;
        _context = context;
        _group = groups.Shard;
        (_valuesDType, _dtype) = (precision.Values, precision.Parameters);
        _comesAndGoes = policy.ShardsParameters;
        _sharesUpdates = policy.ShardsOptimizer;
        _ready = !_comesAndGoes;
        _values = ReserveValues();
        Values.Clear();
        if (_comesAndGoes)
            _whole = context.Reserve(layout.Name, WholeBytes, MemoryKind.Gathered, ExplainAbsence);
        else
            _whole = ComputesWithValues ? _values : context.Reserve(layout.Name, WholeBytes, MemoryKind.Parameter);
        if (!_comesAndGoes)
            _whole.Materialize();
        if (policy.ShardsParameters && policy.ReshardAfterForward.GroupSize is > 0 and var ranks)
            _copy = new SecondCopy(layout, context, groups.Within(ranks), _dtype);
        foreach (var placement in layout.Placements)
            placement.Parameter.Bind(context.View(_whole, placement.Offset, placement.Parameter.Shape, _dtype));
    }

    /// <summary>This rank's slice of the values. [ShardElements]</summary>
    public Tensor Slice => HoldsAllValues ? _context.View(_values, _layout.ShardStart(_group.Rank), [_layout.ShardElements], _valuesDType) : Values;

    /// <summary>All values that are resident: the whole where they are replicated. [PaddedElements] or [ShardElements]</summary>
    public Tensor Values => _context.View(_values, 0, [_values.Bytes / _valuesDType.SizeInBytes()], _valuesDType);

    /// <summary>Whether this rank holds the values of all ranks.</summary>
    public bool HoldsAllValues => _values.Bytes == _layout.PaddedElements * _valuesDType.SizeInBytes();

    /// <summary>Whether what the model computes with is of the values' type, so that it shows the values themselves.</summary>
    public bool ComputesWithValues => _dtype == _valuesDType;

    /// <summary>What the model computes with, while it is there. [PaddedElements]</summary>
    public Tensor Whole => _context.View(_whole, 0, [_layout.PaddedElements], _dtype);

    /// <summary>Bytes of what the model computes with.</summary>
    public long WholeBytes => _layout.PaddedElements * _dtype.SizeInBytes();

    /// <summary>Makes fp32 masters from values that are in another type, so that they can be trained. Every rank calls it, between steps.</summary>
    public void MakeMasters()
    {
        if (_valuesDType == DType.F32)
            return;
        WaitForReaders();
        var (before, kept) = (_values, !_comesAndGoes && _sharesUpdates ? Slice : Values);
        _valuesDType = DType.F32;
        _values = ReserveValues();
        Values.CopyFrom(kept);
        if (before != _whole)
            before.Evict("its values have become fp32 masters");
    }

    /// <summary>Starts gathering, from the second copy where there is one. <see cref="Wait"/> before use.</summary>
    public void StartGather()
    {
        _whole.Materialize();
        _ready = false;
        _awaited = _copy is { Exists: true }
            ? _copy.StartGather(Whole)
            : _gather = _group.AllGather(_layout.Name, CollectiveBuffer.Of(OwnPart()), CollectiveBuffer.Of(Whole));
    }

    /// <summary>Returns when the whole unit is there.</summary>
    public void Wait()
    {
        if (_ready)
            return;
        (_awaited ?? throw new InvalidOperationException($"Unit '{_layout.Name}' is needed and was not gathered.")).Wait();
        _ready = true;
    }

    /// <summary>Cuts the gathered buffer down to this rank's part of the second copy.</summary>
    public void Reshard()
    {
        Wait();
        _copy!.TakeFrom(Whole);
        Evict();
    }

    /// <summary>Lets the gathered buffer go, and the second copy.</summary>
    public void Release()
    {
        if (!_comesAndGoes)
            return;
        Wait();
        Evict();
        _copy?.Release();
    }

    /// <summary>Returns when no peer reads this rank's part any more, so that it may be updated.</summary>
    public void WaitForReaders()
    {
        _gather?.WaitInputs();
        _gather = null;
    }

    /// <summary>After an update of this unit: a 16-bit copy of values that are all here is made anew.</summary>
    public void FollowUpdate()
    {
        if (!_comesAndGoes && !ComputesWithValues && HoldsAllValues)
            Whole.CopyFrom(Values);
    }

    /// <summary>After all updates: where the whole unit stays, its new values are there when this returns.</summary>
    public void FinishUpdate()
    {
        if (!_comesAndGoes)
            Wait();
    }

    /// <summary>Gives up what a step left gathered; a gather in flight keeps its buffers until <see cref="Settle"/>.</summary>
    public void Reset()
    {
        if (!_comesAndGoes || _gather is { IsCompleted: false } || _copy is { IsInFlight: true })
            return;
        _whole.Evict($"the step that gathered unit '{_layout.Name}' has ended");
        _copy?.Release();
        _ready = false;
    }

    /// <summary>Waits for a gather that a step had left in flight, and lets its buffers go.</summary>
    public void Settle()
    {
        if (!_comesAndGoes || (!_whole.IsResident && _copy is not { Exists: true }))
            return;
        WaitForReaders();
        _copy?.Release();
        Reset();
    }

    /// <summary>Fills this rank's slice, and the whole where it stays.</summary>
    public void Fill(IParameterSource source)
    {
        var slice = Slice;
        if (_context.Device.HasMemory)
            foreach (var range in _layout.Ranges(_layout.ShardStart(_group.Rank), _layout.ShardElements))
                FlatMemory.Fill(
                    slice, range.Start, range.Length, (first, span) => source.Read(range.ParameterName, range.Parameter, range.ParameterStart + first, span));
        Publish();
    }

    /// <summary>Gathers the slices where the whole unit stays; elsewhere the slices are all there is.</summary>
    public void Publish()
    {
        if (_comesAndGoes)
            return;
        if (_group.Size > 1 && HoldsAllValues)
        {
            var values = _group.AllGather(_layout.Name, CollectiveBuffer.Of(Slice), CollectiveBuffer.Of(Values));
            values.Wait();
            values.WaitInputs();
        }
        else if (!HoldsAllValues)
        {
            StartGather();
            Wait();
            WaitForReaders();
        }

        FollowUpdate();
    }

    /// <summary>The values of all ranks, widened to fp32, in memory of their own, until <see cref="Tensor.Free"/>. Every rank calls it alike. [PaddedElements]</summary>
    public Tensor GatherValues()
    {
        if (HoldsAllValues)
            return Values.Cast(DType.F32).Keep();
        var all = _context.Empty([_layout.PaddedElements], _valuesDType, MemoryKind.Gathered, $"{_layout.Name} (values)").Keep();
        var gather = _group.AllGather(_layout.Name, CollectiveBuffer.Of(Slice), CollectiveBuffer.Of(all));
        gather.Wait();
        gather.WaitInputs();
        if (_valuesDType == DType.F32)
            return all;
        var wide = all.Cast(DType.F32).Keep();
        all.Free();
        return wide;
    }

    // The whole where every rank updates all of it, or where it is at once what the model computes with; else this rank's slice.
    private Storage ReserveValues()
    {
        var slices = _comesAndGoes || (_sharesUpdates && !ComputesWithValues);
        var values = _context.Reserve(_layout.Name, (slices ? _layout.ShardElements : _layout.PaddedElements) * _valuesDType.SizeInBytes(), MemoryKind.Parameter);
        values.Materialize();
        return values;
    }

    // What peers read: the slice of the values, or its 16-bit copy where it belongs in the whole.
    private Tensor OwnPart()
    {
        if (ComputesWithValues)
            return Slice;
        var own = _context.View(_whole, _layout.ShardStart(_group.Rank), [_layout.ShardElements], _dtype);
        own.Restore(Slice);
        return own;
    }

    private void Evict()
    {
        // Peers read this rank's 16-bit part where it lies.
        if (!ComputesWithValues)
            WaitForReaders();
        _whole.Evict("it has been released");
        _ready = false;
    }

    private string ExplainAbsence(long element)
    {
        var name = _layout.Placements.LastOrDefault(p => p.Offset <= element)?.Name;
        return $"Parameter '{name}' is not there: parameters of unit '{_layout.Name}' are released outside of its forward and backward (stage 3). "
            + $"Use it inside the module that owns it, or hold it with ShardedModule.GatherParameter(\"{name}\"); this rank's part is there as OwnShard(\"{name}\").";
    }
}
