using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>A stream of a <see cref="DelayedDevice"/>: a queue and the thread that works it off.</summary>
internal sealed unsafe class DelayedStream : DeviceStream
{
    private readonly BlockingCollection<Piece> _queue = [];
    private readonly WorkerPool _workers;
    private readonly DelayedTiming _timing;
    private readonly KernelRegistry _kernels;
    private readonly Random _random;
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;
    private int _slowPieces;
    private volatile bool _dropping;

    public DelayedStream(string name, int number, WorkerPool workers, DelayedTiming timing, KernelRegistry kernels)
        : base(name)
    {
        _workers = workers;
        _timing = timing;
        _kernels = kernels;
        _slowPieces = timing.SlowStream == name ? timing.SlowPieces : 0;
        _random = new Random((timing.Seed * 31) + number);
        _thread = new Thread(WorkOff) { IsBackground = true, Name = $"netzero {name} stream" };
        _thread.Start();
    }

    public override void Launch<TKernel>(in TKernel kernel)
    {
        if (_kernels.Find(kernel) is { } own)
            KernelArguments.Call(own, this, kernel);
        else
            RunLater(kernel);
    }

    // By itself, so that the closure is made only where it is needed.
    private void RunLater<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
    {
        var later = kernel;
        Enqueue(() => later.Run(_workers));
    }

    public override void Enqueue(Action work)
    {
        Volatile.Read(ref _failure)?.Throw();
        _queue.Add(new Piece(work, null));
    }

    /// <summary>As <see cref="Enqueue"/>, behind work that threw as well and without a word of it: for what unwinding code does.</summary>
    public void EnqueueFree(Action free) => _queue.Add(new Piece(free, null) { IsFree = true });

    public override StreamEvent Record() => RecordPoint();

    public override void WaitFor(StreamEvent reached)
    {
        if (reached is Point point)
            Enqueue(point.Wait);
    }

    public override void Synchronize() => RecordPoint().Wait();

    public override void CopyToHost(nint source, Span<byte> destination)
    {
        fixed (byte* host = destination)
        {
            var (to, bytes) = ((nint)host, destination.Length);
            Enqueue(() => Buffer.MemoryCopy((void*)source, (void*)to, bytes, bytes));
            Synchronize();
        }
    }

    public override HostRead BeginCopyToHost(nint source, int bytes)
    {
        var landing = new byte[bytes];
        Enqueue(() => new ReadOnlySpan<byte>((void*)source, bytes).CopyTo(landing));
        return new Landing(landing, RecordPoint());
    }

    public override void CopyFromHost(ReadOnlySpan<byte> source, nint destination)
    {
        var staged = source.ToArray();
        Enqueue(() => staged.CopyTo(new Span<byte>((void*)destination, staged.Length)));
    }

    public override void Copy(nint source, nint destination, long bytes) => Enqueue(() => Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes));

    public override void Dispose()
    {
        _dropping = true;
        _queue.CompleteAdding();
        _thread.Join();
        _queue.Dispose();
        _workers.Dispose();
    }

    private Point RecordPoint()
    {
        var point = new Point();
        _queue.Add(new Piece(null, point));
        return point;
    }

    private void WorkOff()
    {
        foreach (var piece in _queue.GetConsumingEnumerable())
        {
            if (!_dropping)
                Delay();
            // Points are reached behind work that threw, too: who waits there learns of it.
            piece.Point?.Reach(_failure);
            if ((_failure is null || piece.IsFree) && !_dropping)
                Do(piece.Work);
        }
    }

    private void Do(Action? work)
    {
        try
        {
            work?.Invoke();
        }
        catch (Exception e)
        {
            Volatile.Write(ref _failure, ExceptionDispatchInfo.Capture(e));
        }
    }

    private void Delay()
    {
        if (_slowPieces > 0)
        {
            _slowPieces--;
            Thread.Sleep(_timing.Lag);
        }
        else if (_random.Next(_timing.OneInWaits) == 0)
        {
            Thread.Sleep(_random.Next(2));
        }
        else if (_random.Next(2) == 0)
        {
            Thread.Yield();
        }
    }

    private sealed class Landing(byte[] bytes, Point arrived) : HostRead
    {
        public override bool IsCompleted => arrived.IsReached;

        public override void Wait(Span<byte> destination)
        {
            arrived.Wait();
            bytes.CopyTo(destination);
        }
    }

    private readonly record struct Piece(Action? Work, Point? Point)
    {
        public bool IsFree { get; init; }
    }

    private sealed class Point : StreamEvent
    {
        private readonly ManualResetEventSlim _reached = new();
        private ExceptionDispatchInfo? _failure;

        public override bool IsReached => _reached.IsSet;

        public void Reach(ExceptionDispatchInfo? failure)
        {
            _failure = failure;
            _reached.Set();
        }

        public void Wait()
        {
            _reached.Wait();
            _failure?.Throw();
        }
    }
}
