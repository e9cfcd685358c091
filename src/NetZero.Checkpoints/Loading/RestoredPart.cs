using System.Buffers;

namespace NetZero.Checkpoints;

/// <summary>A part of a block, and where in memory its elements belong.</summary>
/// <param name="Part">The part.</param>
/// <param name="Stored">The type of its elements in the file.</param>
/// <param name="Destination">The first element's place.</param>
/// <param name="Kept">The type of the elements in memory: another floating-point type where a model keeps the values in that.</param>
internal readonly record struct RestoredPart(BlockPart Part, SafetensorsDType Stored, nint Destination, SafetensorsDType Kept)
{
    /// <summary>The parts of a run of elements, as they are stored.</summary>
    public static unsafe IEnumerable<RestoredPart> Of(CheckpointTensor tensor, StateRun run)
    {
        var (stored, kept) = (tensor.ElementType(), run.Memory.DType.ToSafetensors());
        var memory = (nint)run.Pointer;
        return BlockPart.Of(tensor, run.First, run.Elements)
            .Select(part => new RestoredPart(part, stored, memory + (nint)(part.Offset / (stored.Bits() / 8) * (kept.Bits() / 8)), kept));
    }

    /// <summary>Whether values of one type can be kept in another: the same, or both floating point.</summary>
    public static bool Fits(SafetensorsDType stored, SafetensorsDType kept) => stored == kept || (Elements.CanReadAsSingle(stored) && Elements.CanReadAsSingle(kept));

    /// <summary>Reads and verifies the block and writes its elements where they belong, converted through singles where the types differ.</summary>
    /// <exception cref="CheckpointException">The block is not what was saved.</exception>
    public unsafe void Restore(CheckpointReader reader)
    {
        if (Stored == Kept)
        {
            reader.Read(Part, new Span<byte>((void*)Destination, Part.Count));
            return;
        }

        var elements = Part.Count / (Stored.Bits() / 8);
        var (bytes, singles) = (ArrayPool<byte>.Shared.Rent(Part.Count), ArrayPool<float>.Shared.Rent(elements));
        try
        {
            reader.Read(Part, bytes.AsSpan(0, Part.Count));
            Elements.Widen(Stored, bytes.AsSpan(0, Part.Count), singles.AsSpan(0, elements));
            Elements.Narrow(Kept, singles.AsSpan(0, elements), new Span<byte>((void*)Destination, elements * (Kept.Bits() / 8)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<float>.Shared.Return(singles);
        }
    }
}
