namespace NetZero.Tensors;

/// <summary>Everything that tensors of one rank share: device, ledger, allocator, workers, scopes, the tape and random state.</summary>
/// <remarks>
/// A context is a value that is passed, never global, and belongs to the thread that made it: use from another thread throws. Tensors know their context, so
/// model code never names it.
/// </remarks>
public sealed partial class TensorContext : IDisposable
{
    private readonly Allocator _allocator;
    private readonly Allocator _exchange;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _disposed;

    /// <summary>Makes a context that belongs to the calling thread.</summary>
    public TensorContext(TensorContextOptions? options = null)
    {
        options ??= new TensorContextOptions();
        Device = options.Device;
        Ledger = new MemoryLedger(options.MemoryBudgetBytes);
        Random = new RandomState { Seed = options.Seed };
        _allocator = Device.CreateAllocator(BlockSource.System);
        _exchange = options.ExchangeMemory is { } shared ? Device.CreateAllocator(shared) : _allocator;
        Workers = new WorkerPool(Device.HasMemory ? options.Threads : 1);
        Threads = options.Threads;
        _scope = new Scope { Name = "context" };
    }

    /// <summary>The device of all its tensors.</summary>
    public Device Device { get; }

    /// <summary>Live and peak bytes by kind.</summary>
    public MemoryLedger Ledger { get; }

    /// <summary>The threads that kernels run on.</summary>
    public WorkerPool Workers { get; }

    /// <summary>How many threads kernels run on (on Meta: would run on).</summary>
    public int Threads { get; }

    /// <summary>The key of random numbers.</summary>
    public RandomState Random { get; }

    /// <summary>How often the system was asked for native memory.</summary>
    public long SystemAllocations => _allocator.SystemAllocations + (_exchange == _allocator ? 0 : _exchange.SystemAllocations);

    /// <summary>Runs a kernel on the device: at once on the CPU, not at all on Meta.</summary>
    public void Launch<TKernel>(TKernel kernel)
        where TKernel : struct, IKernel
    {
        if (Device.HasMemory)
            kernel.Run(Workers);
    }

    /// <summary>Scratch memory for one kernel call, counted as <see cref="MemoryKind.Workspace"/>.</summary>
    public Workspace RentWorkspace(long bytes) => new(this, bytes);

    /// <summary>Frees what is left and ends the worker threads.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        CloseAllScopes();
        foreach (var storage in _reserved)
            storage.Evict("its context has been disposed");
        Workers.Dispose();
        _allocator.Dispose();
        _exchange.Dispose();
    }

    internal nint AllocateBlock(long bytes, MemoryKind kind)
    {
        CheckUse();
        var rounded = MemoryLedger.Round(bytes);
        Ledger.CheckBudget(kind, rounded);
        nint block;
        try
        {
            block = AllocatorOf(kind).Allocate(rounded);
        }
        catch (OutOfMemoryException e)
        {
            throw new InsufficientMemoryException(
                $"The system does not give {rounded:N0} more bytes of {kind.ToString().ToLowerInvariant()} beside the {Ledger.LiveBytes:N0} that live "
                + $"({Ledger.DescribeLive()}); lower the micro-batch, shard over more ranks, or free memory on this machine.", e);
        }

        Ledger.Add(kind, rounded);
        return block;
    }

    internal void FreeBlock(nint pointer, long bytes, MemoryKind kind)
    {
        var rounded = MemoryLedger.Round(bytes);
        Ledger.Remove(kind, rounded);
        AllocatorOf(kind).Free(pointer, rounded);
    }

    // What collectives see. Everything else stays in memory of the process's own, of which the system has huge pages more readily.
    private Allocator AllocatorOf(MemoryKind kind) =>
        kind is MemoryKind.Parameter or MemoryKind.Gathered or MemoryKind.Gradient or MemoryKind.Communication ? _exchange : _allocator;

    private void CheckUse()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException(
                $"This tensor context belongs to thread {_thread} and was used on thread {Environment.CurrentManagedThreadId}; tensors stay on their rank's thread.");
    }
}
