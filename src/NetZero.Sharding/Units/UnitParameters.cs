using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The parameters of one unit on one rank: its slice or the whole, and the gathered buffer that comes and goes.</summary>
/// <remarks>
/// Parameters are bound once as views of the flat buffer. Under stage 3 that buffer is a reserved storage without memory most of the time: see
/// [Note: who frees a tensor] in <see cref="Storage"/> and [Note: a parameter's life under ZeRO-3] in <c>StepScheduleBuilder</c>.
/// </remarks>
internal sealed class UnitParameters
{
    private readonly UnitLayout _layout;
    private readonly TensorContext _context;
    private readonly ProcessGroup _group;
    private readonly Storage _resident;
    private readonly Storage? _gathered;
    private readonly SecondCopy? _copy;
    private Work? _gather;
    private Work? _awaited;
    private bool _ready;

    public UnitParameters(UnitLayout layout, TensorContext context, ShardingGroups groups, ShardingPolicy policy)
    {
        _layout = layout;
        _context = context;
        _group = groups.Shard;
        if (policy.ShardsParameters)
        {
            _resident = context.Reserve(layout.Name, layout.ShardElements * sizeof(float), MemoryKind.Parameter);
            _gathered = context.Reserve(layout.Name, layout.PaddedBytes, MemoryKind.Gathered, ExplainAbsence);
            if (policy.ReshardAfterForward.GroupSize is > 0 and var ranks)
                _copy = new SecondCopy(layout, context, groups.Within(ranks));
        }
        else
        {
            _resident = context.Reserve(layout.Name, layout.PaddedBytes, MemoryKind.Parameter);
            _ready = true;
        }

        _resident.Materialize();
        View(_resident).Fill(0);
        var whole = _gathered ?? _resident;
        foreach (var placement in layout.Placements)
            placement.Parameter.Bind(context.View(whole, placement.Offset, placement.Parameter.Shape));
    }

    /// <summary>This rank's slice: the master values. [ShardElements]</summary>
    public Tensor Slice => _gathered is null ? Part(_resident, _layout.ShardStart(_group.Rank), _layout.ShardElements) : View(_resident);

    /// <summary>All that is resident: the whole where parameters are replicated. [PaddedElements] or [ShardElements]</summary>
    public Tensor Resident => View(_resident);

    /// <summary>The whole unit, while it is there. [PaddedElements]</summary>
    public Tensor Whole => View(_gathered ?? _resident);

    /// <summary>Starts gathering, from the second copy where there is one. <see cref="Wait"/> before use.</summary>
    public void StartGather()
    {
        _gathered?.Materialize();
        _ready = false;
        _awaited = _copy is { Exists: true }
            ? _copy.StartGather(Whole)
            : _gather = _group.AllGather(_layout.Name, CollectiveBuffer.Of(Slice), CollectiveBuffer.Of(Whole));
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
        if (_gathered is null)
            return;
        Wait();
        Evict();
        _copy?.Release();
    }

    /// <summary>Returns when no peer reads this rank's slice any more, so that it may be updated.</summary>
    public void WaitForReaders()
    {
        _gather?.WaitInputs();
        _gather = null;
    }

    /// <summary>After an update: where parameters are replicated, their new values are there when this returns.</summary>
    public void FinishUpdate()
    {
        if (_gathered is null)
            Wait();
    }

    /// <summary>Gives up what a step left gathered; a gather in flight keeps its buffers until <see cref="Settle"/>.</summary>
    public void Reset()
    {
        if (_gathered is null || _gather is { IsCompleted: false } || _copy is { IsInFlight: true })
            return;
        _gathered.Evict($"the step that gathered unit '{_layout.Name}' has ended");
        _copy?.Release();
        _ready = false;
    }

    /// <summary>Waits for a gather that a step had left in flight, and lets its buffers go.</summary>
    public void Settle()
    {
        if (_gathered is null || (!_gathered.IsResident && _copy is not { Exists: true }))
            return;
        WaitForReaders();
        _copy?.Release();
        Reset();
    }

    /// <summary>Fills this rank's slice, and the whole where parameters are replicated.</summary>
    public void Fill(IParameterSource source)
    {
        var slice = Slice;
        if (_context.Device.HasMemory)
            foreach (var range in _layout.Ranges(_layout.ShardStart(_group.Rank), _layout.ShardElements))
                FlatMemory.Fill(
                    slice, range.Start, range.Length, (first, span) => source.Read(range.ParameterName, range.Parameter, range.ParameterStart + first, span));
        Publish();
    }

    /// <summary>Gathers the slices where parameters are replicated; elsewhere the slices are all there is.</summary>
    public void Publish()
    {
        if (_gathered is not null || _group.Size == 1)
            return;
        StartGather();
        Wait();
        WaitForReaders();
    }

    private void Evict()
    {
        _gathered!.Evict("it has been released");
        _ready = false;
    }

    private string ExplainAbsence(long element)
    {
        var name = _layout.Placements.LastOrDefault(p => p.Offset <= element)?.Name;
        return $"Parameter '{name}' is not there: parameters of unit '{_layout.Name}' are released outside of its forward and backward (stage 3). "
            + $"Use it inside the module that owns it, or hold it with ShardedModule.GatherParameter(\"{name}\"); this rank's part is there as OwnShard(\"{name}\").";
    }

    private Tensor View(Storage storage) => Part(storage, 0, storage.Bytes / sizeof(float));

    private Tensor Part(Storage storage, long start, long length) => _context.View(storage, start, [length]);
}
