namespace NetZero.Collectives;

/// <summary>Where the ranks of one group meet: each call is a <see cref="Meeting"/> that its first rank opens and the others join.</summary>
internal sealed class CallBoard(InProcessWorld world, string name, int[] members)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Meeting> _open = [];
    private readonly Dictionary<(int From, int To, long Sequence), Meeting> _openPairs = [];
    private readonly Stack<Meeting> _free = new();
    private readonly Stack<Meeting> _freePairs = new();
    private readonly int[] _everybody = [.. Enumerable.Range(0, members.Length)];

    public InProcessWorld World { get; } = world;

    public string Name { get; } = name;

    /// <summary>The world ranks of the members.</summary>
    public int[] Members { get; } = members;

    /// <summary>Publishes a rank's call and gives the meeting that it belongs to and the rank's place in it.</summary>
    /// <exception cref="CollectiveMismatchException">Another rank has made a different call; it gets the same exception.</exception>
    public Meeting Arrive(int rank, in CollectiveCall call, out int place)
    {
        Meeting meeting;
        bool complete;
        lock (_lock)
        {
            meeting = call.IsPointToPoint ? FindPair(rank, call, out place) : Find(rank, call, out place);
            complete = meeting.Join(place, call);
            if (complete)
                Close(call, rank);
        }

        if (meeting.Mismatch is not null)
        {
            meeting.WakeWaiting();
            meeting.ThrowIfMismatched();
        }

        if (complete)
            meeting.WakeWaiting();
        return meeting;
    }

    /// <summary>Takes back a meeting that no rank uses any more.</summary>
    public void Return(Meeting meeting)
    {
        lock (_lock)
            (meeting.IsPair ? _freePairs : _free).Push(meeting);
    }

    private Meeting Find(int rank, in CollectiveCall call, out int place)
    {
        place = rank;
        if (!_open.TryGetValue(call.Sequence, out var meeting))
        {
            meeting = _free.TryPop(out var free) ? free : new Meeting(this, Members.Length, isPair: false);
            meeting.Open(_everybody, call);
            _open.Add(call.Sequence, meeting);
        }

        return meeting;
    }

    private Meeting FindPair(int rank, in CollectiveCall call, out int place)
    {
        place = call.Operation == CollectiveOperation.Send ? 0 : 1;
        var key = PairKey(rank, call);
        if (!_openPairs.TryGetValue(key, out var meeting))
        {
            meeting = _freePairs.TryPop(out var free) ? free : new Meeting(this, 2, isPair: true);
            meeting.Open([key.From, key.To], call);
            _openPairs.Add(key, meeting);
        }

        return meeting;
    }

    private void Close(in CollectiveCall call, int rank)
    {
        if (call.IsPointToPoint)
            _openPairs.Remove(PairKey(rank, call));
        else
            _open.Remove(call.Sequence);
    }

    private static (int From, int To, long Sequence) PairKey(int rank, in CollectiveCall call) =>
        call.Operation == CollectiveOperation.Send ? (rank, call.Peer, call.Sequence) : (call.Peer, rank, call.Sequence);
}
