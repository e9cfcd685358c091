using System.Diagnostics;

namespace NetZero.Collectives;

/// <summary>One call that several ranks make together.</summary>
/// <remarks>
/// <para>// Note: a call is a bag of parts.</para>
/// <para>Ranks arrive by publishing their buffers. When all have arrived, the call is a number of independent parts (a rank's output, or a
/// range of elements), and whoever needs a part that nobody has taken does it: it reads the peers' memory and writes the result where it
/// belongs. A rank that waits for its own result takes its own part; one that waits for its inputs to be free takes what is left.
/// So no rank depends on another's waits, only on its arrival: waits may come in any order without a deadlock, a rank that is late with
/// its wait finds its part done, and nothing is copied in between.</para>
/// </remarks>
internal sealed class Meeting
{
    // Some tens of microseconds: a peer that is about to arrive has come by then.
    private const int SpinsBeforeStepAside = 64;

    private const int Free = 0;
    private const int Taken = 1;
    private const int Done = 2;
    private const int TakenAndAwaited = 3;

    private readonly CallBoard _board;
    private readonly CollectiveCall[] _calls;
    private readonly bool[] _arrived;
    private readonly List<RankSeat> _waiting = [];
    private int[] _members = [];
    private int[] _parts;
    private int _partCount;
    private int _arrivals;
    private int _partsDone;
    private int _users;
    private int _firstPlace;
    private volatile bool _allArrived;
    private volatile CollectiveMismatchException? _mismatch;

    public Meeting(CallBoard board, int places, bool isPair)
    {
        _board = board;
        IsPair = isPair;
        _calls = new CollectiveCall[places];
        _arrived = new bool[places];
        _parts = new int[places];
    }

    /// <summary>Whether this is a send with its receive.</summary>
    public bool IsPair { get; }

    public CollectiveMismatchException? Mismatch => _mismatch;

    /// <summary>Whether all ranks have arrived and all parts are done: nobody touches anybody's buffers any more.</summary>
    public bool IsOver => _allArrived && Volatile.Read(ref _partsDone) == _partCount;

    /// <summary>Prepares the meeting for a call (under the board's lock).</summary>
    public void Open(int[] members, in CollectiveCall call)
    {
        _members = members;
        _partCount = CallParts.Count(call, members.Length);
        if (_parts.Length < _partCount)
            _parts = new int[_partCount];
        Array.Clear(_parts, 0, _partCount);
        Array.Clear(_arrived);
        _arrivals = 0;
        _partsDone = 0;
        _users = members.Length;
        _allArrived = false;
        _mismatch = null;
    }

    /// <summary>Adds a rank's call; true for the last one (under the board's lock).</summary>
    public bool Join(int place, in CollectiveCall call)
    {
        Debug.Assert(!_arrived[place], "A rank numbers its calls without gaps or repeats.");
        if (_arrivals == 0)
            _firstPlace = place;
        else if (!_calls[_firstPlace].Matches(call))
        {
            _mismatch ??= new CollectiveMismatchException(
                _board.Name, WorldRank(_firstPlace), _calls[_firstPlace].ToString(), WorldRank(place), call.ToString())
            {
                Report = _board.World.ReportHang(),
            };
        }

        _calls[place] = call;
        _arrived[place] = true;
        if (++_arrivals < _calls.Length)
            return false;
        if (_mismatch is null)
            _allArrived = true;
        return true;
    }

    /// <summary>Returns when the result for <paramref name="place"/> is there, doing its part if nobody has.</summary>
    public void WaitResult(RankSeat seat, int place)
    {
        AwaitArrivals(seat, place);
        if (!CallParts.HasOwnPart(_calls[place]))
        {
            WaitParts(seat, place);
            return;
        }

        if (!TryDo(seat, place) && Interlocked.CompareExchange(ref _parts[place], TakenAndAwaited, Taken) != Done)
            Block(seat, place, static (meeting, part) => Volatile.Read(ref meeting._parts[part]) == Done);
    }

    /// <summary>Returns when the whole call is over, doing all parts that nobody has taken.</summary>
    public void WaitOver(RankSeat seat, int place)
    {
        AwaitArrivals(seat, place);
        WaitParts(seat, place);
    }

    /// <summary>A rank has no more use for the meeting.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _board.Return(this);
    }

    public void WakeWaiting()
    {
        lock (_waiting)
        {
            foreach (var seat in _waiting)
                seat.Wake();
        }
    }

    public void ThrowIfMismatched()
    {
        if (_mismatch is { } m)
            throw new CollectiveMismatchException(m);
    }

    private void AwaitArrivals(RankSeat seat, int place)
    {
        if (!_allArrived)
            Block(seat, place, static (meeting, _) => meeting._allArrived);
    }

    private void WaitParts(RankSeat seat, int place)
    {
        // Each rank starts elsewhere, so that ranks that work together rarely reach for the same part.
        var start = (int)((long)place * _partCount / _calls.Length);
        for (var i = 0; i < _partCount && Volatile.Read(ref _partsDone) < _partCount; i++)
            TryDo(seat, (start + i) % _partCount);
        if (!IsOver)
            Block(seat, place, static (meeting, _) => meeting.IsOver);
    }

    private bool TryDo(RankSeat seat, int part)
    {
        if (Volatile.Read(ref _parts[part]) != Free || Interlocked.CompareExchange(ref _parts[part], Taken, Free) != Free)
            return false;
        seat.BeginMoving();
        try
        {
            CallParts.Do(_calls, part, _partCount);
        }
        finally
        {
            seat.EndMoving();
        }

        var awaited = Interlocked.Exchange(ref _parts[part], Done) == TakenAndAwaited;
        var last = Interlocked.Increment(ref _partsDone) == _partCount;
        if (awaited || last)
            WakeWaiting();
        return true;
    }

    // Waits for a condition that another rank brings about. Whoever does so wakes the waiting ranks after the fact; a rank registers before
    // it looks again: so no wake-up is lost.
    private void Block(RankSeat seat, int argument, Func<Meeting, int, bool> condition)
    {
        var start = Stopwatch.GetTimestamp();
        var world = seat.World;
        for (var spins = 0; Stopwatch.GetElapsedTime(start) < world.SpinTime; spins++)
        {
            if (condition(this, argument))
                return;

            // Whom this rank waits for may be waiting for its core.
            if (spins < SpinsBeforeStepAside)
                Thread.SpinWait(20);
            else
                Thread.Yield();
        }

        lock (_waiting)
            _waiting.Add(seat);
        try
        {
            while (!condition(this, argument))
            {
                ThrowIfMismatched();
                world.ThrowIfStopped(seat.Rank);
                ThrowIfSomebodyLeft(seat);
                if (world.Timeout == Timeout.InfiniteTimeSpan)
                {
                    seat.Sleep(Timeout.InfiniteTimeSpan);
                    continue;
                }

                // Not slept on when negative: -1 ms is how .NET spells "for ever".
                var rest = world.Timeout - Stopwatch.GetElapsedTime(start);
                if (rest <= TimeSpan.Zero)
                    ThrowIfSomebodyIsMissing(seat, world.Timeout);
                else
                    seat.Sleep(rest);
            }
        }
        finally
        {
            lock (_waiting)
                _waiting.Remove(seat);
            seat.Recorder.WaitSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private void ThrowIfSomebodyLeft(RankSeat seat)
    {
        if (_allArrived)
            return;
        foreach (var place in MissingPlaces())
        {
            var missing = seat.World.Seats[WorldRank(place)];
            if (missing.HasLeft && !Volatile.Read(ref _arrived[place]))
            {
                // A rank that left because the world has stopped is not the one to name.
                seat.World.ThrowIfStopped(seat.Rank);
                throw new PeerLeftException(
                    $"Rank {missing.Rank} has finished its program, but rank {seat.Rank} waits for it in {_calls[PlaceOf(seat)]} of group "
                    + $"'{_board.Name}'; {missing.Describe().LastCall}. Every rank must make the same calls.",
                    missing.Rank)
                {
                    Report = seat.World.ReportHang(),
                };
            }
        }
    }

    private void ThrowIfSomebodyIsMissing(RankSeat seat, TimeSpan timeout)
    {
        var missing = MissingPlaces().Select(WorldRank).ToArray();
        if (missing.Length == 0)
        {
            // All are here and somebody moves the data: that ends by itself.
            seat.Sleep(TimeSpan.FromMilliseconds(10));
            return;
        }

        var reports = missing.Select(rank => $"rank {rank}: {seat.World.Seats[rank].Describe().LastCall}");
        throw new CollectiveTimeoutException(
            $"Rank {seat.Rank} waited {timeout.TotalSeconds:0.###} s in {_calls[PlaceOf(seat)]} of group '{_board.Name}' for "
            + $"{(missing.Length == 1 ? "rank" : "ranks")} {string.Join(", ", missing)} ({string.Join("; ", reports)}). If the ranks are only "
            + "slow, raise the timeout.",
            missing)
        {
            Report = seat.World.ReportHang(),
        };
    }

    private IEnumerable<int> MissingPlaces()
    {
        for (var place = 0; place < _calls.Length; place++)
        {
            if (!Volatile.Read(ref _arrived[place]))
                yield return place;
        }
    }

    private int WorldRank(int place) => _board.Members[_members[place]];

    private int PlaceOf(RankSeat seat) => Array.FindIndex(_members, member => _board.Members[member] == seat.Rank);
}
