using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>The gradients of one unit on one rank: the flat buffer that backward writes, and what is kept of the reduction until the update.</summary>
/// <remarks>
/// See [Note: a gradient's life] in <c>StepScheduleBuilder</c>. Where whole gradients are kept and nothing else needs the buffer, the buffer itself is the sum: no copy.
/// </remarks>
internal sealed class UnitGradients
{
    private readonly TensorContext _context;
    private readonly int _rank;
    private readonly ShardingPolicy _policy;
    private readonly Storage _buffer;
    private readonly Storage? _sum;
    private readonly UnitGradientLeaf[] _leaves;

    public UnitGradients(UnitLayout layout, TensorContext context, int rank, ShardingPolicy policy, UnitPrecision precision, int microBatches)
    {
        Layout = layout;
        _context = context;
        _rank = rank;
        _policy = policy;
        Precision = precision;
        var (wholeBytes, sliceBytes) = (layout.PaddedElements * DType.SizeInBytes(), layout.ShardElements * DType.SizeInBytes());
        _buffer = context.Reserve(layout.Name, wholeBytes, MemoryKind.Gradient);
        if (policy.ShardsGradients)
            _sum = context.Reserve(layout.Name, sliceBytes, MemoryKind.Gradient);
        else if (microBatches > 1 && policy.Reduction == GradientReduction.EachMicroBatch)
            _sum = context.Reserve(layout.Name, wholeBytes, MemoryKind.Gradient);
        _leaves = new UnitGradientLeaf[layout.Placements.Count];
        for (var i = 0; i < _leaves.Length; i++)
        {
            var placement = layout.Placements[i];
            _leaves[i] = new UnitGradientLeaf(placement.Name, context.View(_buffer, placement.Offset, placement.Parameter.Shape, DType));
        }
    }

    public UnitLayout Layout { get; }

    /// <summary>The unit's types; those of gradients do not change.</summary>
    public UnitPrecision Precision { get; }

    /// <summary>The buffer that backward writes. [PaddedElements]</summary>
    public Tensor Whole => View(_buffer, 0, Layout.PaddedElements);

    /// <summary>The buffer as slices, a row for each rank. [ranks, ShardElements]</summary>
    public Tensor Slices => SlicesOf(_buffer);

    /// <summary>This rank's slice of the buffer. [ShardElements]</summary>
    public Tensor BufferSlice => OwnSlice(_buffer);

    /// <summary>This rank's slice of the reduced gradients. [ShardElements]</summary>
    public Tensor Slice => _policy.ShardsGradients ? View(_sum!, 0, Layout.ShardElements) : OwnSlice(_sum ?? _buffer);

    /// <summary>The gradients of what this rank updates: its slice, or the whole where the optimizer is replicated.</summary>
    public Tensor Resident => _policy.ShardsOptimizer ? Slice : View(_sum ?? _buffer, 0, Layout.PaddedElements);

    /// <summary>Whether reduced gradients of this step are there.</summary>
    public bool HasSum { get; private set; }

    /// <summary>Makes the parameters leaves whose gradients go to the buffer.</summary>
    public void Attach()
    {
        for (var i = 0; i < _leaves.Length; i++)
            Layout.Placements[i].Parameter.Value.RequireGrad(_leaves[i]);
    }

    /// <summary>Makes the parameters tensors without gradients.</summary>
    public void Detach()
    {
        foreach (var placement in Layout.Placements)
            placement.Parameter.Bind(placement.Parameter.Value.Detach());
    }

    /// <summary>The unit's backward begins: the buffer must be there.</summary>
    public void Begin()
    {
        if (_buffer.IsResident)
            return;
        _buffer.Materialize();
        foreach (var leaf in _leaves)
            leaf.Forget();
        var padding = Layout.PaddedElements - Layout.Elements;
        if (padding > 0)
            View(_buffer, Layout.Elements, padding).Fill(0);
    }

    /// <summary>The unit's backward has ended: what no op wrote has the gradient zero.</summary>
    public void End()
    {
        foreach (var leaf in _leaves)
            leaf.CompleteWithZero();
    }

    /// <summary>Where a reduce-scatter of the buffer puts this rank's slice: straight into the sum for the first of a step, else in place.</summary>
    public Tensor ScatterTarget()
    {
        if (!_policy.ShardsGradients || HasSum)
            return BufferSlice;
        _sum!.Materialize();
        return View(_sum, 0, Layout.ShardElements);
    }

    /// <summary>Lets the buffer go after its contents were copied to or reduced in memory that somebody else holds.</summary>
    public void LetBufferGo() => _buffer.Evict("the gradients have been reduced");

    /// <summary>Takes reduced gradients over where a slice is kept: sets or adds to the sum.</summary>
    /// <param name="slice">[ShardElements] of any floating-point type, possibly the sum itself.</param>
    public void AccumulateSlice(Tensor slice)
    {
        if (HasSum)
            Slice.AddInPlace(slice);
        else if (slice.Storage != _sum)
        {
            _sum!.Materialize();
            Slice.CopyFrom(slice);
        }

        LetBufferGo();
        HasSum = true;
    }

    /// <summary>Takes reduced gradients over, which lie in the buffer, where whole gradients are kept: the buffer becomes the sum, or is added to it.</summary>
    public void AccumulateBuffer()
    {
        if (_sum is not null && !HasSum)
        {
            _sum.TakeFrom(_buffer);
        }
        else if (_sum is not null)
        {
            Resident.AddInPlace(_policy.ShardsOptimizer ? BufferSlice : Whole);
            LetBufferGo();
        }

        HasSum = true;
    }

    /// <summary>Takes reduced gradients over, which lie in a bucket, where whole gradients are kept.</summary>
    /// <param name="own">This rank's slice, all that counts where the optimizer is sharded. [ShardElements]</param>
    /// <param name="all">All slices. [ranks, ShardElements]</param>
    public void AccumulateWhole(Tensor own, Tensor all)
    {
        if (_sum is not null && HasSum)
        {
            // Added before anything is rounded, as where a slice is kept.
            if (_policy.ShardsOptimizer)
                Slice.AddInPlace(own);
            else
                SlicesOf(_sum).AddInPlace(all);
            LetBufferGo();
            return;
        }

        if (_policy.ShardsOptimizer)
            BufferSlice.CopyFrom(own);
        else
            Slices.CopyFrom(all);
        AccumulateBuffer();
    }

    /// <summary>Lets all gradients go.</summary>
    public void Reset()
    {
        _buffer.Evict("the step has ended");
        _sum?.Evict("the step has ended");
        HasSum = false;
    }

    private Tensor SlicesOf(Storage storage) => _context.View(storage, 0, [Layout.WorldSize, Layout.ShardElements], DType);

    private Tensor OwnSlice(Storage storage) => View(storage, Layout.ShardStart(_rank), Layout.ShardElements);

    private Tensor View(Storage storage, long start, long length) => _context.View(storage, start, [length], DType);

    private DType DType => Precision.Gradients;
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
