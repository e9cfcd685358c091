namespace NetZero.Tensors;

/// <summary>Where a device's tensor memory comes from. Used from the context's thread only.</summary>
public abstract class Allocator : IDisposable
{
    /// <summary>A block of at least <paramref name="bytes"/> bytes with undefined contents.</summary>
    public abstract nint Allocate(long bytes);

    /// <summary>Gives a block back in the order of the compute stream; <paramref name="bytes"/> as at <see cref="Allocate"/>.</summary>
    public abstract void Free(nint pointer, long bytes);

    /// <summary>How often the system was asked for memory: does not move in a steady step.</summary>
    public long SystemAllocations { get; protected set; }

    /// <summary>Gives all memory back; the context's streams have ended.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives all memory back.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>Memory of the <see cref="Device.Meta"/> device: counted by the ledger, never there.</summary>
internal sealed class MetaAllocator : Allocator
{
    public override nint Allocate(long bytes) => 0;

    public override void Free(nint pointer, long bytes)
    {
    }
}
