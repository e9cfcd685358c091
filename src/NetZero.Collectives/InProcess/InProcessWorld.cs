namespace NetZero.Collectives;

/// <summary>What the ranks of one process share: their seats, the boards of their groups, and how the world came to a stop.</summary>
internal sealed class InProcessWorld
{
    // Longer than it takes to wake a rank: otherwise a rank that was woken finds that its peer has gone to sleep over that, and from then on each wakes the
    // other in every call, at a hundred microseconds where a call takes one.
    private static readonly TimeSpan ShortWait = TimeSpan.FromMicroseconds(400);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CallBoard> _boards = [];
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stoppingSource = new();
    private StopCause? _cause;

    public InProcessWorld(int size, TimeSpan timeout, int threadsPerRank)
    {
        Timeout = timeout;

        // Spinning helps only where every thread has a core; otherwise it takes the core from the one that is waited for.
        SpinTime = (long)size * threadsPerRank <= Environment.ProcessorCount ? ShortWait : TimeSpan.Zero;
        Seats = new RankSeat[size];
        for (var rank = 0; rank < size; rank++)
            Seats[rank] = new RankSeat(this, rank);
    }

    public RankSeat[] Seats { get; }

    public TimeSpan Timeout { get; }

    public TimeSpan SpinTime { get; }

    /// <summary>Completes when the world stops before its time.</summary>
    public Task Stopping => _stopping.Task;

    /// <summary>Cancelled when the world stops before its time: for what ranks await outside of collectives.</summary>
    public CancellationToken StoppingToken => _stoppingSource.Token;

    public bool IsStopped => Volatile.Read(ref _cause) is not null;

    /// <summary>The exception that the whole run ends with, if it failed.</summary>
    public Exception? FirstFailure => Volatile.Read(ref _cause)?.Exception;

    /// <summary>Rank <paramref name="rank"/> failed. The first failure counts; everybody is released.</summary>
    public void Fail(int rank, Exception exception) => Stop(new StopCause(rank, exception));

    /// <summary>The caller of the world cancelled it.</summary>
    public void Cancel(CancellationToken token) => Stop(new StopCause(-1, new OperationCanceledException(token)));

    /// <summary>Throws what a rank gets to see once the world has stopped.</summary>
    public void ThrowIfStopped(int rank)
    {
        if (Volatile.Read(ref _cause) is not { } cause)
            return;
        if (cause.Rank < 0)
            throw new OperationCanceledException(((OperationCanceledException)cause.Exception).CancellationToken);
        if (cause.Rank == rank)
            throw new InvalidOperationException($"Rank {rank} has already failed: {cause.Exception.Message}", cause.Exception);
        throw new PeerFailedException(cause.Rank, cause.Exception);
    }

    /// <summary>After a stop: returns when nobody moves data any more, so that memory may be freed.</summary>
    public void WaitUntilStill()
    {
        foreach (var seat in Seats)
        {
            var wait = default(SpinWait);
            while (seat.IsMoving)
                wait.SpinOnce();
        }
    }

    /// <summary>What all ranks called last.</summary>
    public HangReport ReportHang() => HangReport.Of(Array.ConvertAll(Seats, seat => seat.Describe()));

    /// <summary>Wakes everybody to look at the world again.</summary>
    public void WakeAll()
    {
        foreach (var seat in Seats)
            seat.Wake();
    }

    public CallBoard OpenBoard(string key, string name, int[] members)
    {
        lock (_lock)
        {
            if (!_boards.TryGetValue(key, out var board))
                _boards[key] = board = new CallBoard(this, name, members);
            return board;
        }
    }

    private void Stop(StopCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, cause, null) is not null)
            return;
        WakeAll();
        _stopping.TrySetResult();

        // Not on this thread: callbacks are the users' code.
        _ = _stoppingSource.CancelAsync();
    }

    private sealed record StopCause(int Rank, Exception Exception);
}
