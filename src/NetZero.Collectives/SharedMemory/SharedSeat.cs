using System.Diagnostics;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>One rank's place in a world of processes: the segment and the arenas as this process maps them, and how the world came to a stop.</summary>
internal sealed unsafe class SharedSeat : IProcessSeat
{
    // Longer than it takes to wake a rank: otherwise a rank that was woken finds that its peer has gone to sleep over that, and from then on each wakes the
    // other in every call, at a hundred microseconds and more where a call takes one.
    private static readonly TimeSpan ShortWait = TimeSpan.FromMicroseconds(400);

    // A sleeping rank looks around at least so often, whatever happens to who should wake it.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(100);

    // A rank moves a part of a call at a time, milliseconds; one that takes longer has been stopped or killed, and reads nothing any more.
    private static readonly TimeSpan LongestMove = TimeSpan.FromSeconds(1);

    private readonly SharedMapping _own;
    private readonly SharedMapping[] _arenas;
    private readonly RankArea _area;
    private readonly Dictionary<string, SharedGroup> _groups = [];
    private readonly WorksInFlight _inFlight = new();
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stoppingSource = new();
    private Exception? _failure;

    /// <summary>Takes over the mappings.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="segment">Where the ranks meet.</param>
    /// <param name="arenas">Every rank's memory, this one's included.</param>
    /// <param name="timeout">How long a wait may last.</param>
    /// <param name="threadsPerRank">Threads that compute for each rank of this machine.</param>
    public SharedSeat(int rank, SharedSegment segment, SharedMapping[] arenas, TimeSpan timeout, int threadsPerRank)
    {
        Rank = rank;
        Segment = segment;
        _arenas = arenas;
        _own = arenas[rank];
        _area = segment.AreaOf(rank);
        _area.ProcessId = Environment.ProcessId;
        Arena = new SharedArena(_own);
        Timeout = timeout;

        // Spinning helps only where every thread has a core; otherwise it takes the core from the one that is waited for.
        SpinTime = (long)arenas.Length * threadsPerRank <= Environment.ProcessorCount ? ShortWait : TimeSpan.Zero;
    }

    public int Rank { get; }

    public int ThreadId { get; set; }

    public SharedSegment Segment { get; }

    /// <summary>The rank's own memory that the others see.</summary>
    public SharedArena Arena { get; }

    public BlockSource ExchangeMemory => Arena;

    public CallRecorder Recorder { get; } = new();

    public TimeSpan Timeout { get; }

    public TimeSpan SpinTime { get; }

    public bool IsStopped => Volatile.Read(ref _failure) is not null || Segment.StoppedBy != SharedSegment.Nobody;

    public Task Stopping => _stopping.Task;

    public CancellationToken StoppingToken => _stoppingSource.Token;

    public bool HasEnded { get; set; }

    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Where this process sees a rank's arena.</summary>
    public byte* ArenaOf(int rank) => _arenas[rank].Address;

    public bool HasLeft(int rank) => Volatile.Read(ref Segment.AreaOf(rank).Left) != 0;

    public ProcessGroup OpenWorld() => OpenGroup("world", [.. Enumerable.Range(0, _arenas.Length)], Rank);

    /// <summary>The group of these world ranks under this name; one object for each.</summary>
    public SharedGroup OpenGroup(string name, int[] members, int index)
    {
        var key = $"{name}: {string.Join(',', members)}";
        if (!_groups.TryGetValue(key, out var group))
            _groups[key] = group = new SharedGroup(this, new SharedBoard(this, name, key, members), index);
        return group;
    }

    public void Fail(Exception exception)
    {
        // A rank that was released says nothing new: who stopped the world has.
        if (Interlocked.CompareExchange(ref _failure, exception, null) is not null)
            return;
        if (exception is not (OperationCanceledException or PeerFailedException))
            _area.WriteFailure(exception);
        Segment.Stop(exception switch
        {
            OperationCanceledException => SharedSegment.Caller,
            PeerFailedException peer => peer.FailedRank,
            _ => Rank,
        });
        WakeEverybody();
        _stopping.TrySetResult();

        // Not on this thread: callbacks are the users' code.
        _ = _stoppingSource.CancelAsync();
    }

    public void Lose(int rank, Exception lost) => Fail(
        Segment.StoppedBy == SharedSegment.Caller
            ? new OperationCanceledException("The other ranks of the run were cancelled.")
            : new PeerFailedException(rank, FailureOf(rank) ?? lost));

    public void NoteLeft(int rank)
    {
        // The rank has said so in its area, which is where waiting ranks look.
    }

    /// <summary>Throws what a rank gets to see once the world has stopped.</summary>
    public void ThrowIfStopped()
    {
        if (Failure is { } own)
        {
            switch (own)
            {
                case PeerFailedException peer:
                    throw new PeerFailedException(peer.FailedRank, peer.InnerException!);
                case OperationCanceledException cancelled:
                    throw new OperationCanceledException(cancelled.CancellationToken);
                default:
                    throw new InvalidOperationException($"Rank {Rank} has already failed: {own.Message}", own);
            }
        }

        switch (Segment.StoppedBy)
        {
            case SharedSegment.Nobody:
                return;
            case SharedSegment.Caller:
                throw new OperationCanceledException("The other ranks of the run were cancelled.");
            case var rank when rank == Rank:
                throw new PeerFailedException(rank, new RankLostException(rank, Environment.ProcessId));
            case var rank:
                throw new PeerFailedException(rank, (Exception?)FailureOf(rank) ?? new RankLostException(rank, Segment.AreaOf(rank).ProcessId));
        }
    }

    /// <summary>The rank fails; when this returns, nobody touches its buffers any more.</summary>
    public void Abort(Exception cause)
    {
        Fail(cause);
        WaitUntilStill();
    }

    public void WaitUntilStill()
    {
        var start = Stopwatch.GetTimestamp();
        for (var rank = 0; rank < _arenas.Length; rank++)
        {
            var wait = default(SpinWait);
            while (Volatile.Read(ref Segment.AreaOf(rank).Moving) != 0 && Stopwatch.GetElapsedTime(start) < LongestMove)
                wait.SpinOnce();
        }
    }

    /// <summary>Announces that data is about to be moved; throws instead once the world has stopped.</summary>
    /// <remarks>As among threads, see the note on who may free memory after a failure in <see cref="RankSeat"/>.</remarks>
    public void BeginMoving()
    {
        Interlocked.Exchange(ref _area.Moving, 1);
        if (!IsStopped)
            return;
        EndMoving();
        ThrowIfStopped();
    }

    public void EndMoving() => Volatile.Write(ref _area.Moving, 0);

    public void Track(SharedWork work) => _inFlight.Add(work);

    public void Drain() => _inFlight.Drain();

    public void Leave()
    {
        Volatile.Write(ref _area.Left, 1);
        WakeEverybody();
    }

    /// <summary>Says that this rank sleeps from now on, unless what it waits for has happened, which is looked at next.</summary>
    public int PrepareToSleep()
    {
        Interlocked.Exchange(ref _area.Sleeping, 1);
        return Volatile.Read(ref *_area.Bed);
    }

    /// <summary>Sleeps until <see cref="Wake"/> or a time has passed; may return without cause: callers check again.</summary>
    public void Sleep(int bed, TimeSpan longest)
    {
        var time = longest < LongestSleep ? longest : LongestSleep;
        if (time <= TimeSpan.Zero)
            time = TimeSpan.FromMilliseconds(1);
        if (OperatingSystem.IsLinux() && LinuxMemory.HasFutex)
            LinuxMemory.SleepWhile(_area.Bed, bed, time);
        else
            Thread.Sleep(1); // where no other process can wake a sleeper, it looks again a millisecond later
    }

    public void EndSleep() => Volatile.Write(ref _area.Sleeping, 0);

    /// <summary>Wakes a rank if it sleeps.</summary>
    public void Wake(int rank)
    {
        var area = Segment.AreaOf(rank);
        if (Volatile.Read(ref area.Sleeping) == 0)
            return;
        Interlocked.Increment(ref *area.Bed);
        if (OperatingSystem.IsLinux() && LinuxMemory.HasFutex)
            LinuxMemory.Wake(area.Bed);
    }

    /// <summary>What a rank called last, for reports by others.</summary>
    public string DescribeLastCall(int rank) => Segment.AreaOf(rank).Describe(rank).LastCall;

    /// <summary>What all ranks called last.</summary>
    public HangReport ReportHang() => HangReport.Of(Segment.Describe());

    public CallHistory History => _area.History;

    public void Dispose()
    {
        foreach (var arena in _arenas)
            arena.Dispose();
        Segment.Dispose();
        _stoppingSource.Dispose();
    }

    private RemoteRankException? FailureOf(int rank)
    {
        var area = Segment.AreaOf(rank);
        return Volatile.Read(ref area.Failed) != 0 ? area.ReadFailure() : null;
    }

    private void WakeEverybody()
    {
        for (var rank = 0; rank < _arenas.Length; rank++)
            Wake(rank);
    }
}
