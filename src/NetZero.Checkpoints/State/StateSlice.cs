using System.Diagnostics;
using NetZero.Collectives;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>A rank's slice of one state of a unit: of its values, or of something that the optimizer keeps beside them.</summary>
/// <param name="Kind">A kind of <see cref="CheckpointTensor"/>.</param>
/// <param name="Prefix">What stands before the parameter's name in the checkpoint, such as <c>exp_avg/</c>; empty for the values themselves.</param>
/// <param name="Unit">The unit's slice.</param>
/// <param name="Memory">Contiguous memory that the slice lies in; it may hold the whole unit.</param>
/// <param name="ElementsPerEntry">How many elements of the unit share an entry of the state: 1, or a block's length, which divides <see cref="UnitLayout.AlignmentElements"/>.</param>
/// <remarks>
/// States with an entry for each element are stored by parameter. Blocks reach over parameters and, in a unit's last one, over padding, whose codes count when the block is
/// decoded: states in blocks (scales, and the codes that they scale) are stored by unit, in whole blocks.
/// </remarks>
internal sealed record StateSlice(string Kind, string Prefix, UnitSlice Unit, Tensor Memory, int ElementsPerEntry)
{
    private UnitLayout Layout => Unit.Layout;

    /// <summary>Entries of the slice.</summary>
    public long Entries => Layout.ShardElements / ElementsPerEntry;

    /// <summary>Whether every rank of the group holds the whole unit.</summary>
    public bool IsWhole => Memory.Elements > Entries;

    /// <summary>The entry of <see cref="Memory"/> that the slice begins with.</summary>
    private long First => IsWhole ? Unit.Start / ElementsPerEntry : 0;

    private string UnitTensor => $"{Prefix}unit:{Layout.Name}";

    // Codes that are parameters are each a number of their own: what scales them is another parameter.
    private bool IsInBlocks => Kind == CheckpointTensor.OptimizerKind && (ElementsPerEntry > 1 || Memory.DType == NetZero.Tensors.DType.U8);

    private long UnitEntries => (Layout.Elements + UnitLayout.AlignmentElements - 1) / UnitLayout.AlignmentElements * UnitLayout.AlignmentElements / ElementsPerEntry;

    /// <summary>The type of the elements in files.</summary>
    public SafetensorsDType DType => Memory.DType.ToSafetensors();

    /// <summary>The whole tensors that the unit consists of.</summary>
    public IEnumerable<(string Name, IReadOnlyList<long> Shape)> WholeTensors() => IsInBlocks
        ? [(UnitTensor, [UnitEntries])]
        : Layout.Placements.Select(p => (Prefix + p.Name, (IReadOnlyList<long>)p.Parameter.Shape.Extents.ToArray()));

    /// <summary>The runs of tensors' elements in a part of the slice, where they lie in memory; padding is left out.</summary>
    /// <param name="start">The part's first entry, counted from the slice's beginning.</param>
    /// <param name="length">Its entries.</param>
    public IEnumerable<StateRun> Runs(long start, long length)
    {
        var first = (Unit.Start / ElementsPerEntry) + start;
        if (!IsInBlocks)
        {
            return Layout.Ranges(first, length).Select(r => new StateRun(
                Prefix + r.ParameterName, r.Parameter.Shape.Extents.ToArray(), r.ParameterStart, r.Length, Memory, First + start + r.Start));
        }
        var entries = Math.Min(length, UnitEntries - first);
        return entries > 0 ? [new StateRun(UnitTensor, [UnitEntries], first, entries, Memory, First + start)] : [];
    }

    /// <summary>Fills a part of the slice with zeros.</summary>
    public void Clear(long start, long length) =>
        Memory.Context.View(Memory.Storage, Memory.Offset + First + start, [length], Memory.DType).Clear();

    /// <summary>The slice as collectives see it.</summary>
    public CollectiveBuffer Buffer => CollectiveBuffer.Of(Memory).Slice(First, Entries);
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
