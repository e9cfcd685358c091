namespace NetZero.Tensors;

/// <summary>Native memory, 64-byte aligned, cached per size and reused; so a steady step asks the system for nothing.</summary>
/// <remarks>
/// <para>Sizes up to 1 MiB are rounded up to sixteenths of the next power of two, which bounds waste to an eighth and lets neighbouring sizes
/// share blocks. Larger blocks are of exact size, because there waste would be felt and a step asks for the same sizes again and again.</para>
/// <para>Note: how much the cache holds. A request that no cached block fits goes to the system. Where all blocks, cached and in use, would
/// then hold more than twice the most that was ever in use at once, cached large blocks go back to the system first, those of the sizes asked
/// for longest ago before others. So a program with ever new sizes stays within twice its peak (and the cached small blocks, of which there
/// are a fixed number of sizes). Once is not enough: a step whose sizes take turns needs a block of each, together more than are in use at
/// once, and would free and ask again for ever.</para>
/// </remarks>
internal sealed class NativeAllocator(BlockSource source) : Allocator
{
    private const long ExactAboveBytes = 1 << 20;
    private const long HeldPerPeak = 2;

    private readonly Dictionary<long, FreeBlocks> _free = [];
    private readonly Dictionary<nint, long> _all = [];
    private long _inUse;
    private long _peak;
    private long _requests;

    /// <summary>Bytes that came from the system and have not gone back: in use or cached.</summary>
    internal long HeldBytes { get; private set; }

    /// <exception cref="OutOfMemoryException">The system has no such block, even after all cached ones went back.</exception>
    public override nint Allocate(long bytes)
    {
        var size = SizeClass(bytes);
        _requests++;
        if (_free.TryGetValue(size, out var free))
        {
            free.LastRequest = _requests;
            if (free.Blocks.TryPop(out var cached))
                return Use(cached, size);
        }

        var limit = HeldPerPeak * Math.Max(_peak, _inUse + size);
        while (HeldBytes + size > limit && FreeOldest(ExactAboveBytes))
        {
        }

        return Use(AskTheSystem(size), size);
    }

    public override void Free(nint pointer, long bytes)
    {
        var size = SizeClass(bytes);
        if (!_free.TryGetValue(size, out var free))
            _free[size] = free = new FreeBlocks { LastRequest = _requests };
        free.Blocks.Push(pointer);
        _inUse -= size;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var (block, size) in _all)
            source.Free(block, size);
        _all.Clear();
        _free.Clear();
        HeldBytes = 0;
    }

    internal static long SizeClass(long bytes)
    {
        var size = Math.Max(MemoryLedger.GranuleBytes, MemoryLedger.Round(bytes));
        if (size > ExactAboveBytes)
            return size;
        var step = Math.Max(MemoryLedger.GranuleBytes, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)size) / 16);
        return (size + step - 1) / step * step;
    }

    private nint Use(nint block, long size)
    {
        _inUse += size;
        _peak = Math.Max(_peak, _inUse);
        return block;
    }

    private nint AskTheSystem(long size)
    {
        var alignment = HugePages.AreWorthwhile(size) ? HugePages.Bytes : MemoryLedger.GranuleBytes;
        nint block;
        try
        {
            block = source.Allocate(size, alignment);
        }
        catch (OutOfMemoryException)
        {
            while (FreeOldest(0))
            {
            }

            block = source.Allocate(size, alignment);
        }

        SystemAllocations++;
        if (HugePages.AreWorthwhile(size))
            HugePages.Advise(block, size);
        _all.Add(block, size);
        HeldBytes += size;
        return block;
    }

    // Gives back the cached blocks of the size asked for longest ago, of those above a limit. False: there are none.
    private bool FreeOldest(long aboveBytes)
    {
        long oldest = 0, oldestRequest = long.MaxValue;
        foreach (var (size, free) in _free)
        {
            if (size > aboveBytes && free.Blocks.Count > 0 && free.LastRequest < oldestRequest)
                (oldest, oldestRequest) = (size, free.LastRequest);
        }

        if (!_free.Remove(oldest, out var chosen))
            return false;
        foreach (var block in chosen.Blocks)
        {
            source.Free(block, oldest);
            _all.Remove(block);
            HeldBytes -= oldest;
        }

        return true;
    }

    private sealed class FreeBlocks
    {
        public Stack<nint> Blocks { get; } = [];

        /// <summary>The number of the last request for this size.</summary>
        public long LastRequest { get; set; }
    }
}
