using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A rank's place in an in-process world: where its thread sleeps, what it is doing, and what it still owes the others.</summary>
internal sealed class RankSeat(InProcessWorld world, int rank) : IRankSeat
{
    private readonly object _bed = new();
    private readonly Dictionary<string, InProcessGroup> _groups = [];
    private readonly WorksInFlight _inFlight = new();
    // Zeroed and where it is for good: other ranks read it while this one writes.
    private readonly byte[] _history = GC.AllocateArray<byte>(CallHistory.Bytes, pinned: true);
    private bool _woken;
    private int _moving;
    private volatile bool _left;

    public InProcessWorld World { get; } = world;

    public int Rank { get; } = rank;

    public CallRecorder Recorder { get; } = new();

    /// <summary>The managed id of the thread that owns this rank.</summary>
    public int ThreadId { get; set; }

    public bool IsStopped => World.IsStopped;

    public Task Stopping => World.Stopping;

    public CancellationToken StoppingToken => World.StoppingToken;

    public BlockSource? ExchangeMemory => null;

    /// <summary>Whether the rank's program has ended.</summary>
    public bool HasLeft => _left;

    /// <summary>Whether the rank is moving data right now (its own or, helping, that of others).</summary>
    public bool IsMoving => Volatile.Read(ref _moving) != 0;

    /// <summary>Sleeps until <see cref="Wake"/> or the timeout; false on timeout. May return without cause: callers check again.</summary>
    public bool Sleep(TimeSpan timeout)
    {
        lock (_bed)
        {
            if (!_woken && !Monitor.Wait(_bed, timeout) && !_woken)
                return false;
            _woken = false;
            return true;
        }
    }

    public void Wake()
    {
        lock (_bed)
        {
            _woken = true;
            Monitor.Pulse(_bed);
        }
    }

    public ProcessGroup OpenWorld() => OpenGroup("world", [.. Enumerable.Range(0, World.Seats.Length)], Rank);

    public void Fail(Exception exception) => World.Fail(Rank, exception);

    public void WaitUntilStill() => World.WaitUntilStill();

    public void Leave()
    {
        _left = true;
        World.WakeAll();
    }

    /// <summary>The rank fails; when this returns, nobody touches its buffers any more.</summary>
    public void Abort(Exception cause)
    {
        World.Fail(Rank, cause);
        World.WaitUntilStill();
    }

    /// <summary>Announces that data is about to be moved; throws instead once the world has stopped.</summary>
    /// <remarks>
    /// // Note: who may free memory after a failure. The world is stopped first and the announcements are read then; a mover announces itself
    /// first and looks at the world then. Both with full fences: so either the mover sees the stop, or the stopper sees the mover and waits.
    /// </remarks>
    public void BeginMoving()
    {
        Interlocked.Exchange(ref _moving, 1);
        if (!World.IsStopped)
            return;
        EndMoving();
        ThrowIfStopped();
    }

    public void ThrowIfStopped() => World.ThrowIfStopped(Rank);

    public HangReport ReportHang() => World.ReportHang();

    public void EndMoving() => Volatile.Write(ref _moving, 0);

    public void Track(InProcessWork work) => _inFlight.Add(work);

    public void Drain() => _inFlight.Drain();

    /// <summary>The rank's latest calls.</summary>
    public unsafe CallHistory History => new((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_history)));

    /// <summary>The rank for reports by others.</summary>
    public RankHistory Describe() => new(Rank, Environment.ProcessId, null, History.Read());

    /// <summary>The group of these world ranks under this name; one object for each.</summary>
    public InProcessGroup OpenGroup(string name, int[] members, int index)
    {
        var key = $"{name}: {string.Join(',', members)}";
        if (!_groups.TryGetValue(key, out var group))
            _groups[key] = group = new InProcessGroup(this, World.OpenBoard(key, name, members), index);
        return group;
    }
}
