using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>The memory of one rank that its peers map: what it exchanges lies here, so that they read and write it where it is.</summary>
/// <remarks>
/// First fit over free ranges in order of address, neighbours joined. Allocators above cache by size, so a steady step does not come here.
/// Used by the rank's own thread.
/// </remarks>
internal sealed unsafe class SharedArena(SharedMapping mapping) : BlockSource
{
    // Pages of freed blocks go back from this size on; below, asking the system costs more than the memory is worth.
    private const long GiveBackBytes = 1 << 20;

    private readonly SortedList<long, long> _free = new() { [0] = mapping.Bytes };

    /// <summary>The first byte as this process sees it.</summary>
    public byte* Address => mapping.Address;

    /// <summary>Whether a buffer lies here entirely.</summary>
    public bool Contains(in CollectiveBuffer buffer) =>
        (byte*)buffer.Pointer >= Address && (byte*)buffer.Pointer + buffer.Bytes <= Address + mapping.Bytes;

    /// <summary>Where an address lies, from the first byte.</summary>
    public long OffsetOf(void* pointer) => (byte*)pointer - Address;

    public override nint Allocate(long bytes, long alignment)
    {
        for (var i = 0; i < _free.Count; i++)
        {
            var (start, length) = (_free.GetKeyAtIndex(i), _free.GetValueAtIndex(i));
            var aligned = (start + alignment - 1) / alignment * alignment;
            var rest = start + length - aligned - bytes;
            if (rest < 0)
                continue;
            _free.RemoveAt(i);
            if (aligned > start)
                _free.Add(start, aligned - start);
            if (rest > 0)
                _free.Add(aligned + bytes, rest);
            return (nint)(Address + aligned);
        }

        throw new OutOfMemoryException($"The memory that this rank shares with its peers ({mapping.Bytes:N0} bytes) has no {bytes:N0} more.");
    }

    public override void Free(nint block, long bytes)
    {
        if (bytes >= GiveBackBytes && OperatingSystem.IsLinux())
            LinuxMemory.Remove(block, bytes);
        var start = OffsetOf((void*)block);
        _free.Add(start, bytes);
        var i = _free.IndexOfKey(start);
        Join(i);
        Join(i - 1);
    }

    private void Join(int i)
    {
        if (i < 0 || i + 1 >= _free.Count)
            return;
        var (start, length) = (_free.GetKeyAtIndex(i), _free.GetValueAtIndex(i));
        if (start + length != _free.GetKeyAtIndex(i + 1))
            return;
        _free.SetValueAtIndex(i, length + _free.GetValueAtIndex(i + 1));
        _free.RemoveAt(i + 1);
    }
}
