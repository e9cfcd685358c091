using System.Runtime.InteropServices;

namespace NetZero.Tensors;

/// <summary>Where an allocator gets its blocks: the system, or memory that several processes see.</summary>
public abstract class BlockSource
{
    /// <summary>The process's own memory.</summary>
    internal static BlockSource System { get; } = new SystemBlocks();

    /// <summary>A block of <paramref name="bytes"/> with undefined contents, aligned to <paramref name="alignment"/>, a power of two up to 2 MiB.</summary>
    /// <exception cref="OutOfMemoryException">There is no such block.</exception>
    public abstract nint Allocate(long bytes, long alignment);

    /// <summary>Takes a block back; <paramref name="bytes"/> as at <see cref="Allocate"/>.</summary>
    public abstract void Free(nint block, long bytes);

    private sealed unsafe class SystemBlocks : BlockSource
    {
        public override nint Allocate(long bytes, long alignment) => (nint)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)alignment);

        public override void Free(nint block, long bytes) => NativeMemory.AlignedFree((void*)block);
    }
}
