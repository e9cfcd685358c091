namespace NetZero.Collectives.Mpi;

/// <summary>Keeps this rank's calls going: by the thread that waits for one, or by a thread of its own while the rank computes.</summary>
/// <remarks>
/// MPI moves data only while somebody calls it. A rank that waits calls it at once and again and again; a rank that computes leaves that to the communication
/// thread, which looks in every <see cref="Pause"/> and sleeps for good when nothing is under way.
/// </remarks>
internal sealed class MpiProgress : IDisposable
{
    // Often enough that a prefetch of megabytes arrives while a block computes, seldom enough that the processor hardly notices.
    private static readonly TimeSpan Pause = TimeSpan.FromMicroseconds(100);

    private readonly MpiRuntime _runtime;
    private readonly Action<Exception> _onFailure;
    private readonly HashSet<MpiLane> _active = [];
    private readonly ManualResetEventSlim _wanted = new();
    private readonly Thread _thread;
    private int _waiting;
    private volatile bool _halted;

    public MpiProgress(MpiRuntime runtime, Action<Exception> onFailure)
    {
        _runtime = runtime;
        _onFailure = onFailure;
        _thread = new Thread(Run) { IsBackground = true, Name = "netzero communication" };
        _thread.Start();
    }

    /// <summary>Starts a call.</summary>
    public void Start(MpiLane lane, MpiOperation operation)
    {
        lock (_runtime.Gate)
        {
            if (_halted)
                return;
            lane.Begin(operation);
            _active.Add(lane);
        }

        _wanted.Set();
    }

    /// <summary>Lets everything go on, and tells whether an operation is over.</summary>
    public bool Advance(MpiOperation operation)
    {
        lock (_runtime.Gate)
        {
            if (!_halted)
                AdvanceAll();
        }

        return operation.IsOver;
    }

    /// <summary>The rank's thread waits, so it does the work; dispose when it does not wait any more.</summary>
    public Waiting BeginWaiting()
    {
        Interlocked.Increment(ref _waiting);
        return new Waiting(this);
    }

    /// <summary>From its return on nobody here calls MPI.</summary>
    public void Halt()
    {
        _halted = true;
        lock (_runtime.Gate)
            _active.Clear();
        _wanted.Set();
    }

    public void Dispose()
    {
        Halt();
        _thread.Join();
        _wanted.Dispose();
    }

    private void AdvanceAll() => _active.RemoveWhere(static lane => lane.Advance());

    private unsafe void Run()
    {
        var word = 0;
        while (!_halted)
        {
            _wanted.Wait();
            if (Volatile.Read(ref _waiting) == 0 && _runtime.Gate.TryEnter())
            {
                try
                {
                    if (!_halted)
                        AdvanceAll();
                    if (_active.Count == 0)
                        _wanted.Reset();
                }
                catch (Exception e)
                {
                    _onFailure(e);
                    return;
                }
                finally
                {
                    _runtime.Gate.Exit();
                }
            }

            if (_halted)
                return;
            if (OperatingSystem.IsLinux() && LinuxMemory.HasFutex)
                LinuxMemory.SleepWhile(&word, 0, Pause);
            else
                Thread.Sleep(1); // where it cannot be woken by an address it looks again a millisecond later
        }
    }

    /// <summary>A wait of the rank's thread.</summary>
    internal readonly struct Waiting(MpiProgress progress) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref progress._waiting);
    }
}
