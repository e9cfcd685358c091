namespace NetZero.Collectives;

/// <summary>A group of ranks that are processes of one machine; data goes straight from one rank's memory to another's.</summary>
/// <remarks>What lies where the others cannot read it, as the span of a scalar call does, is copied there and back.</remarks>
internal sealed class SharedGroup : SeatedGroup
{
    private readonly SharedSeat _seat;
    private readonly SharedBoard _board;
    private readonly Dictionary<(int From, int To), SharedBoard> _pairs = [];

    public SharedGroup(SharedSeat seat, SharedBoard board, int rank)
        : base(seat, board.Name, board.Members, rank, seat.Timeout)
    {
        _seat = seat;
        _board = board;
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(name, [.. ranks.Select(member => Members[member])], rank);

    protected override Work Arrive(in CollectiveCall call, long number)
    {
        var board = call.IsPointToPoint ? PairOf(call) : _board;
        var place = !call.IsPointToPoint ? Rank : call.Operation == CollectiveOperation.Send ? 0 : 1;
        var bounce = new BounceBuffers(_seat.Arena, call);
        board.Arrive(place, bounce.Call);
        var work = new SharedWork(_seat, board, call.Sequence, place, number, bounce);
        _seat.Track(work);
        return work;
    }

    // A pair counts its calls apart from the group, so it has a board of its own.
    private SharedBoard PairOf(in CollectiveCall call)
    {
        var (from, to) = call.Operation == CollectiveOperation.Send ? (Rank, call.Peer) : (call.Peer, Rank);
        if (!_pairs.TryGetValue((from, to), out var board))
        {
            var key = $"{Name} from {from} to {to}: {string.Join(',', Members)}";
            _pairs[(from, to)] = board = new SharedBoard(_seat, Name, key, [Members[from], Members[to]], isPair: true);
        }

        return board;
    }
}
