using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>Copies of a rank's state, from which files are written while training changes the state: one buffer, made at the first save and used again by every other.</summary>
/// <remarks>Its bytes are counted as <see cref="MemoryKind.Snapshot"/> and are at most the budget. It is the host's memory, whatever the device. On Meta it is counted and never filled.</remarks>
internal sealed class SnapshotBuffer
{
    // A span ends at 2 GiB.
    private const int LargestCopy = 1 << 30;

    private readonly Storage _storage;
    private readonly Tensor _memory;
    private readonly bool _hasMemory;

    public SnapshotBuffer(TensorContext tensors, long bytes)
    {
        Capacity = bytes;
        _hasMemory = tensors.Device.HasMemory;
        _storage = tensors.Reserve("checkpoint snapshot", bytes, MemoryKind.Snapshot);
        _storage.Materialize();
        _memory = tensors.View(_storage, 0, [bytes], DType.U8);
    }

    /// <summary>Bytes that it holds.</summary>
    public long Capacity { get; }

    /// <summary>Bytes that a rank's copies take: all of its runs, or the budget if that is less.</summary>
    public static long Bytes(IEnumerable<StateRun> runs, long budgetBytes)
    {
        var all = runs.Sum(run => run.Bytes);
        return budgetBytes > 0 ? Math.Min(all, budgetBytes) : all;
    }

    /// <summary>The copies; null on Meta.</summary>
    public unsafe byte* Pointer => _hasMemory ? _memory.Bytes() : null;

    /// <summary>Copies the first <paramref name="bytes"/> of a run to <paramref name="offset"/>.</summary>
    public unsafe void Copy(StateRun run, long bytes, long offset)
    {
        if (!_hasMemory)
            return;
        var copy = _memory.Bytes() + offset;
        if (run.IsHostMemory)
            Buffer.MemoryCopy(run.Pointer, copy, Capacity - offset, bytes);
        else
            for (long done = 0; done < bytes; done += LargestCopy)
                run.Read(done, new Span<byte>(copy + done, (int)Math.Min(LargestCopy, bytes - done)));
    }

    /// <summary>Gives its memory back.</summary>
    public void Free() => _storage.Evict("the saver was closed");
}
