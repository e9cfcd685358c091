using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>A rank's slice of one state of a unit: of its values, or of something that the optimizer keeps beside them.</summary>
/// <param name="Kind">A kind of <see cref="CheckpointTensor"/>.</param>
/// <param name="Prefix">What stands before the parameter's name in the checkpoint, such as <c>exp_avg/</c>; empty for the values themselves.</param>
/// <param name="Unit">The unit's slice.</param>
/// <param name="Memory">Contiguous memory that the slice lies in; it may hold the whole unit.</param>
internal abstract record StateSlice(string Kind, string Prefix, UnitSlice Unit, Tensor Memory)
{
    /// <summary>The slice of the values of a unit.</summary>
    public static StateSlice OfValues(UnitSlice unit) => new ElementSlice(CheckpointTensor.ParameterKind, "", unit, unit.Values);

    /// <summary>The slice of a state that an optimizer keeps of a unit.</summary>
    public static StateSlice OfState(OptimizerState state, FlatShard shard, UnitSlice unit, Tensor memory)
    {
        const string kind = CheckpointTensor.OptimizerKind;
        var prefix = state.Name + "/";
        if (state.Shapes is not null)
            return new ShapedSlice(kind, prefix, unit, memory, new StateLayout(state, shard.Unit));
        return state.ElementsPerEntry > 1 || memory.DType == NetZero.Tensors.DType.U8
            ? new BlockSlice(kind, prefix, unit, memory, state.ElementsPerEntry)
            : new ElementSlice(kind, prefix, unit, memory);
    }

    /// <summary>Entries of the slice.</summary>
    public abstract long Entries { get; }

    /// <summary>Parts of the slice begin at multiples of so many entries; it has a whole number of them.</summary>
    public abstract long AlignmentEntries { get; }

    /// <summary>Whether every rank of the group holds the whole unit.</summary>
    public bool IsWhole => Memory.Elements > Entries;

    /// <summary>The type of the elements in files.</summary>
    public SafetensorsDType DType => Memory.DType.ToSafetensors();

    /// <summary>The entry of the unit's state that the slice begins with.</summary>
    protected abstract long Start { get; }

    /// <summary>The entry of <see cref="Memory"/> that the slice begins with.</summary>
    protected long First => IsWhole ? Start : 0;

    /// <summary>The unit.</summary>
    protected UnitLayout Layout => Unit.Layout;

    /// <summary>The whole tensors that the unit consists of.</summary>
    public abstract IEnumerable<(string Name, IReadOnlyList<long> Shape)> WholeTensors();

    /// <summary>The runs of tensors' elements in a part of the slice, where they lie in memory; padding is left out.</summary>
    /// <param name="start">The part's first entry, counted from the slice's beginning.</param>
    /// <param name="length">Its entries.</param>
    public abstract IEnumerable<StateRun> Runs(long start, long length);

    /// <summary>Fills a part of the slice with zeros.</summary>
    public void Clear(long start, long length) =>
        Memory.Context.View(Memory.Storage, Memory.Offset + First + start, [length], Memory.DType).Clear();

    /// <summary>The slice as collectives see it.</summary>
    public CollectiveBuffer Buffer => CollectiveBuffer.Of(Memory).Slice(First, Entries);
}

/// <summary>A state with an entry for each element, stored by parameter.</summary>
internal sealed record ElementSlice(string Kind, string Prefix, UnitSlice Unit, Tensor Memory) : StateSlice(Kind, Prefix, Unit, Memory)
{
    public override long Entries => Layout.ShardElements;

    public override long AlignmentEntries => UnitLayout.AlignmentElements;

    protected override long Start => Unit.Start;

    public override IEnumerable<(string Name, IReadOnlyList<long> Shape)> WholeTensors() =>
        Layout.Placements.Select(p => (Prefix + p.Name, (IReadOnlyList<long>)p.Parameter.Shape.Extents.ToArray()));

    public override IEnumerable<StateRun> Runs(long start, long length) => Layout.Ranges(Start + start, length).Select(r => new StateRun(
        Prefix + r.ParameterName, r.Parameter.Shape.Extents.ToArray(), r.ParameterStart, r.Length, Memory, First + start + r.Start));
}

/// <summary>
/// A state in blocks (scales, and the codes that they scale), stored by unit in whole blocks: they reach over parameters and, in a unit's
/// last one, over padding, whose codes count when the block is decoded.
/// </summary>
/// <param name="Kind">As of any slice.</param>
/// <param name="Prefix">As of any slice.</param>
/// <param name="Unit">As of any slice.</param>
/// <param name="Memory">As of any slice.</param>
/// <param name="ElementsPerEntry">
/// How many elements of the unit share an entry of the state: 1, or a block's length, which divides
/// <see cref="UnitLayout.AlignmentElements"/>.
/// </param>
internal sealed record BlockSlice(string Kind, string Prefix, UnitSlice Unit, Tensor Memory, int ElementsPerEntry)
    : StateSlice(Kind, Prefix, Unit, Memory)
{
    public override long Entries => Layout.ShardElements / ElementsPerEntry;

    public override long AlignmentEntries => UnitLayout.AlignmentElements / ElementsPerEntry;

    protected override long Start => Unit.Start / ElementsPerEntry;

    private string UnitTensor => $"{Prefix}unit:{Layout.Name}";

    private long UnitEntries => (Layout.Elements + UnitLayout.AlignmentElements - 1) / UnitLayout.AlignmentElements * AlignmentEntries;

    public override IEnumerable<(string Name, IReadOnlyList<long> Shape)> WholeTensors() => [(UnitTensor, [UnitEntries])];

    public override IEnumerable<StateRun> Runs(long start, long length)
    {
        var entries = Math.Min(length, UnitEntries - (Start + start));
        return entries > 0 ? [new StateRun(UnitTensor, [UnitEntries], Start + start, entries, Memory, First + start)] : [];
    }
}

/// <summary>
/// A state whose tensors have shapes of their own, such as a number for each row of a matrix; stored by these, under their own names.
/// </summary>
/// <param name="Kind">As of any slice.</param>
/// <param name="Prefix">As of any slice.</param>
/// <param name="Unit">As of any slice.</param>
/// <param name="Memory">As of any slice.</param>
/// <param name="Tensors">Where they lie.</param>
internal sealed record ShapedSlice(string Kind, string Prefix, UnitSlice Unit, Tensor Memory, StateLayout Tensors)
    : StateSlice(Kind, Prefix, Unit, Memory)
{
    public override long Entries => Tensors.SliceElements;

    public override long AlignmentEntries => StateLayout.AlignmentElements;

    protected override long Start => Unit.Start / Layout.ShardElements * Tensors.SliceElements;

    public override IEnumerable<(string Name, IReadOnlyList<long> Shape)> WholeTensors() =>
        Tensors.Placements.Select(p => (NameOf(p), (IReadOnlyList<long>)p.Shape.Extents.ToArray()));

    public override IEnumerable<StateRun> Runs(long start, long length)
    {
        foreach (var placement in Tensors.Placements)
        {
            var from = Math.Max(Start + start, placement.Offset);
            var to = Math.Min(Start + start + length, placement.Offset + placement.Shape.Elements);
            if (from < to)
            {
                yield return new StateRun(
                    NameOf(placement), placement.Shape.Extents.ToArray(), from - placement.Offset, to - from, Memory, First + (from - Start));
            }
        }
    }

    private static string NameOf(StatePlacement placement) => $"{placement.Name}/{placement.ParameterName}";
}

/// <summary>A run of a tensor's elements on a rank.</summary>
/// <param name="Name">The tensor's name in the checkpoint.</param>
/// <param name="Shape">The whole tensor's shape.</param>
/// <param name="First">The first element of the run, in the whole tensor.</param>
/// <param name="Elements">How many there are.</param>
/// <param name="Memory">What they lie in.</param>
/// <param name="MemoryFirst">Where in it.</param>
internal sealed record StateRun(string Name, IReadOnlyList<long> Shape, long First, long Elements, Tensor Memory, long MemoryFirst)
{
    /// <summary>Bytes of the run.</summary>
    public long Bytes => Elements * Memory.DType.SizeInBytes();

    /// <summary>Whether the host works in the run's memory in place; otherwise it copies.</summary>
    public bool IsHostMemory => Memory.Context.Device.SharesHostMemory;

    /// <summary>The first byte, where the host may use it.</summary>
    public unsafe byte* Pointer
    {
        get
        {
            Debug.Assert(IsHostMemory, "Memory of a device is read and written by copies.");
            return Memory.Bytes() + MemoryFirstByte;
        }
    }

    private long MemoryFirstByte => MemoryFirst * Memory.DType.SizeInBytes();

    /// <summary>Copies bytes of the run to the host, from <paramref name="start"/> on.</summary>
    public void Read(long start, Span<byte> bytes) => Memory.ReadBytes(MemoryFirstByte + start, bytes);

    /// <summary>Copies bytes from the host into the run, from <paramref name="start"/> on.</summary>
    public void Write(long start, ReadOnlySpan<byte> bytes) => Memory.WriteBytes(MemoryFirstByte + start, bytes);
}
