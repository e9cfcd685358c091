using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>The threads of one rank. The rank's own thread is worker 0; the others sleep until a loop needs them.</summary>
/// <remarks>
/// Loops are cut into tasks that each write what no other task writes, and never in a way that changes results: where the cut decides the
/// order of a sum it depends on the problem alone. Matrix multiplications cut by the number of threads, too, but there an element is summed
/// in the same order whichever task it falls into. So results do not depend on how many threads there are or which of them runs what.
/// </remarks>
public sealed unsafe class WorkerPool : IDisposable
{
    // Long enough to bridge the gap between two kernels of one layer, short enough not to burn a core that another rank needs.
    private const int SpinsBeforeSleep = 200;

    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _wake;
    private readonly ManualResetEventSlim _done = new(true, SpinsBeforeSleep);
    private int _running;
    private delegate*<void*, long, int, void> _invoke;
    private void* _body;
    private long _count;
    private long _next;
    private Exception? _failure;
    private bool _stopping;

    /// <summary>Starts <paramref name="threads"/> - 1 threads beside the calling one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public WorkerPool(int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _threads = new Thread[threads - 1];
        _wake = new ManualResetEventSlim[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            _wake[i] = new ManualResetEventSlim(false, SpinsBeforeSleep);
            var worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"netzero worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>How many threads loops run on, the calling one included.</summary>
    public int Threads { get; }

    /// <summary>Runs <paramref name="body"/> for each index below <paramref name="count"/> and returns when all are done.</summary>
    /// <remarks>Call it from the rank's thread only; loops do not nest. The first exception of a task is thrown again here.</remarks>
    public void For<TBody>(long count, ref TBody body)
        where TBody : struct, IParallelBody
    {
        if (_threads.Length == 0 || count <= 1)
        {
            for (long i = 0; i < count; i++)
                body.Run(i, 0);
            return;
        }

        _invoke = &Invoke<TBody>;
        _body = Unsafe.AsPointer(ref body);
        _count = count;
        _failure = null;
        Volatile.Write(ref _next, 0);
        var helpers = (int)Math.Min(_threads.Length, count - 1);
        _running = helpers;
        _done.Reset();
        for (var i = 0; i < helpers; i++)
            _wake[i].Set();
        Drain(0);
        _done.Wait();
        if (_failure is { } failure)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (_stopping)
            return;
        _stopping = true;
        foreach (var wake in _wake)
            wake.Set();
        foreach (var thread in _threads)
            thread.Join();
        foreach (var wake in _wake)
            wake.Dispose();
        _done.Dispose();
    }

    private static void Invoke<TBody>(void* body, long index, int worker)
        where TBody : struct, IParallelBody =>
        Unsafe.AsRef<TBody>(body).Run(index, worker);

    private void Work(int worker)
    {
        var wake = _wake[worker - 1];
        while (true)
        {
            wake.Wait();
            wake.Reset();
            if (_stopping)
                return;
            Drain(worker);
            // The caller waits for the event alone. It must not go by the count (as CountdownEvent.Wait does): seeing zero it would return, start
            // the next loop, and that loop would take this one's late signal for its own.
            if (Interlocked.Decrement(ref _running) == 0)
                _done.Set();
        }
    }

    private void Drain(int worker)
    {
        try
        {
            for (var i = Interlocked.Increment(ref _next) - 1; i < _count; i = Interlocked.Increment(ref _next) - 1)
                _invoke(_body, i, worker);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Volatile.Write(ref _next, _count);
        }
    }
}
