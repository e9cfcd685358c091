using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NetZero.Tensors;

/// <summary>Everything that tensors of one rank share: device, ledger, allocator, workers, scopes, the tape and random state.</summary>
/// <remarks>
/// A context is a value that is passed, never global, and belongs to the thread that made it: use from another thread throws. Tensors know their context, so
/// model code never names it.
/// </remarks>
public sealed partial class TensorContext : IDisposable
{
    // Elements at a time: a span of bytes ends at 2 GiB.
    private const int LargestCopy = 1 << 26;

    private readonly Allocator _allocator;
    private readonly Allocator _exchange;
    private readonly Allocator _host;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<DeviceStream> _streams = [];
    private bool _disposed;

    /// <summary>Makes a context that belongs to the calling thread.</summary>
    public TensorContext(TensorContextOptions? options = null)
    {
        options ??= new TensorContextOptions();
        Device = options.Device;
        Ledger = new MemoryLedger(options.MemoryBudgetBytes);
        Random = new RandomState { Seed = options.Seed };
        Workers = new WorkerPool(Device.HasMemory ? options.Threads : 1);
        Stream = Device.CreateStream("compute", Workers);
        _allocator = Device.CreateAllocator(BlockSource.System, Stream);
        _exchange = options.ExchangeMemory is { } shared ? Device.CreateAllocator(shared, Stream) : _allocator;

        // Copies from which files are written lie where the host can read them, whatever the device.
        _host = Device.HasMemory && !Device.SharesHostMemory ? new NativeAllocator(BlockSource.System) : _allocator;
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
    public long SystemAllocations =>
        _allocator.SystemAllocations + (_exchange == _allocator ? 0 : _exchange.SystemAllocations) + (_host == _allocator ? 0 : _host.SystemAllocations);

    /// <summary>The stream that kernels run on and in whose order memory is freed.</summary>
    public DeviceStream Stream { get; }

    /// <summary>How often the host has asked for contents of a tensor, at once or for later.</summary>
    public long HostReads { get; private set; }

    /// <summary>Told of every kernel call; null is nobody.</summary>
    public IKernelObserver? KernelObserver { get; set; }

    /// <summary>Hands a kernel to the device: on the CPU it has run when this returns, on Meta it never runs, elsewhere it runs in stream order.</summary>
    public void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
    {
        if (KernelObserver is not { } observer)
        {
            Stream.Launch(kernel);
            return;
        }

        var start = Stopwatch.GetTimestamp();
        Stream.Launch(kernel);
        observer.OnLaunch(new KernelLaunch(KernelName<TKernel>.Value, kernel.DType, kernel.Work, start, Stopwatch.GetTimestamp()));
    }

    /// <summary>A further stream, which ends with this context.</summary>
    /// <param name="name">What it is for.</param>
    public DeviceStream CreateStream(string name)
    {
        var stream = Device.CreateStream(name, Device.IsSynchronous ? Workers : new WorkerPool());
        _streams.Add(stream);
        return stream;
    }

    /// <summary>Returns when everything is done that this context's streams were given.</summary>
    public void Synchronize()
    {
        Stream.Synchronize();
        foreach (var stream in _streams)
            stream.Synchronize();
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
        foreach (var stream in _streams)
            stream.Dispose();
        Stream.Dispose();
        Workers.Dispose();
        _allocator.Dispose();
        _exchange.Dispose();
        _host.Dispose();
    }

    /// <summary>Copies device memory to the host: the one way in which values get there, waited for and counted.</summary>
    internal unsafe void CopyToHost<T>(T* source, Span<T> destination)
        where T : unmanaged
    {
        HostReads++;
        for (var done = 0; done < destination.Length; done += LargestCopy)
            Stream.CopyToHost((nint)(source + done), MemoryMarshal.AsBytes(destination.Slice(done, Math.Min(LargestCopy, destination.Length - done))));
    }

    /// <summary>As <see cref="CopyToHost"/> of a few values, waited for later; counted here.</summary>
    internal unsafe HostRead BeginCopyToHost<T>(T* source, int count)
        where T : unmanaged
    {
        HostReads++;
        return Stream.BeginCopyToHost((nint)source, count * sizeof(T));
    }

    /// <summary>Copies from the host in stream order; <paramref name="source"/> may be changed afterwards.</summary>
    internal unsafe void CopyFromHost<T>(ReadOnlySpan<T> source, T* destination)
        where T : unmanaged
    {
        for (var done = 0; done < source.Length; done += LargestCopy)
            Stream.CopyFromHost(MemoryMarshal.AsBytes(source.Slice(done, Math.Min(LargestCopy, source.Length - done))), (nint)(destination + done));
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
    private Allocator AllocatorOf(MemoryKind kind) => kind switch
    {
        MemoryKind.Parameter or MemoryKind.Gathered or MemoryKind.Gradient or MemoryKind.Communication => _exchange,
        MemoryKind.Snapshot => _host,
        _ => _allocator,
    };

    private void CheckUse()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException(
                $"This tensor context belongs to thread {_thread} and was used on thread {Environment.CurrentManagedThreadId}; tensors stay on their rank's thread.");
    }
}
