using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>A run of a tensor's elements that a rank restores, and how they get from the files to where they belong.</summary>
/// <param name="Tensor">The tensor, as it is stored.</param>
/// <param name="Run">Where its elements belong: in memory that may keep them in another floating-point type.</param>
internal sealed record RestoredRun(CheckpointTensor Tensor, StateRun Run)
{
    // Enough to keep a disk and two cores busy, few enough that the buffers are small.
    private const int BlocksAtATime = 4;

    private SafetensorsDType Stored => Tensor.ElementType();

    private SafetensorsDType Kept => Run.Memory.DType.ToSafetensors();

    /// <summary>Whether values of one type can be kept in another: the same, or both floating point.</summary>
    public static bool Fits(SafetensorsDType stored, SafetensorsDType kept) => stored == kept || (Elements.CanReadAsSingle(stored) && Elements.CanReadAsSingle(kept));

    /// <summary>Whether the bytes in the files are those in memory, and the host may write there.</summary>
    public bool IsInPlace => Stored == Kept && Run.IsHostMemory;

    /// <summary>The parts of the run's blocks, each with its place.</summary>
    public unsafe IEnumerable<PlacedPart> Parts()
    {
        var memory = (nint)Run.Pointer;
        return BlockParts().Select(part => new PlacedPart(part, memory + (nint)part.Offset));
    }

    /// <summary>
    /// Reads and verifies the run's blocks beside, some at a time, and copies their elements where they belong, converted through singles where the types differ. For the thread
    /// that the memory belongs to.
    /// </summary>
    /// <exception cref="CheckpointException">A block is not what was saved.</exception>
    public void Restore(CheckpointReader reader)
    {
        foreach (var parts in BlockParts().Chunk(BlocksAtATime))
        {
            var blocks = Array.ConvertAll(parts, part => GC.AllocateUninitializedArray<byte>(part.Count, pinned: true));
            reader.Read(parts.Select((part, i) => new PlacedPart(part, Marshal.UnsafeAddrOfPinnedArrayElement(blocks[i], 0))));
            for (var i = 0; i < parts.Length; i++)
                Run.Write(parts[i].Offset / (Stored.Bits() / 8) * (Kept.Bits() / 8), Converted(blocks[i]));
        }
    }

    private IEnumerable<BlockPart> BlockParts() => BlockPart.Of(Tensor, Run.First, Run.Elements);

    private byte[] Converted(byte[] stored)
    {
        if (Stored == Kept)
            return stored;
        var singles = new float[stored.Length / (Stored.Bits() / 8)];
        var kept = new byte[singles.Length * (Kept.Bits() / 8)];
        Elements.Widen(Stored, stored, singles);
        Elements.Narrow(Kept, singles, kept);
        return kept;
    }
}
