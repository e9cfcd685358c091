using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>Copies of a rank's state, from which files are written while training changes the state: one buffer, made at the first save and used again by every other.</summary>
/// <remarks>Its bytes are counted as <see cref="MemoryKind.Snapshot"/> and are at most the budget and what makes them begin
/// at a page. It is the host's memory, whatever the device. On Meta it is counted and never filled.</remarks>
internal sealed class SnapshotBuffer
{
    // A span ends at 2 GiB.
    private const int LargestCopy = 1 << 30;

    /// <summary>What it takes beside its copies, so that they begin at a page wherever its memory does: only so do they go
    /// past the system's cache.</summary>
    internal const int SlackBytes = UncachedFile.PageBytes - MemoryLedger.GranuleBytes;

    private readonly Storage _storage;
    private readonly Tensor _memory;
    private readonly bool _hasMemory;

    public SnapshotBuffer(TensorContext tensors, long bytes)
    {
        Capacity = bytes;
        _hasMemory = tensors.Device.HasMemory;
        _storage = tensors.Reserve("checkpoint snapshot", bytes + SlackBytes, MemoryKind.Snapshot);
        _storage.Materialize();
        _memory = tensors.View(_storage, 0, [bytes + SlackBytes], DType.U8);
    }

    /// <summary>Bytes that it holds.</summary>
    public long Capacity { get; }

    /// <summary>Bytes that a rank's copies take: all of its runs, or the budget if that is less.</summary>
    public static long Bytes(IEnumerable<StateRun> runs, long budgetBytes)
    {
        var all = runs.Sum(run => run.Bytes);
        return budgetBytes > 0 ? Math.Min(all, budgetBytes) : all;
    }

    /// <summary>The copies, from the beginning of a page on; null on Meta.</summary>
    public unsafe byte* Pointer =>
        _hasMemory ? (byte*)(((nint)_memory.Bytes() + UncachedFile.PageBytes - 1) & -UncachedFile.PageBytes) : null;

    /// <summary>Copies the first <paramref name="bytes"/> of a run to <paramref name="offset"/>.</summary>
    public unsafe void Copy(StateRun run, long bytes, long offset)
    {
        if (!_hasMemory)
            return;
        var copy = Pointer + offset;
        if (run.IsHostMemory)
            Buffer.MemoryCopy(run.Pointer, copy, Capacity - offset, bytes);
        else
            for (long done = 0; done < bytes; done += LargestCopy)
                run.Read(done, new Span<byte>(copy + done, (int)Math.Min(LargestCopy, bytes - done)));
    }

    /// <summary>Gives its memory back.</summary>
    public void Free() => _storage.Evict("the saver was closed");
}
