using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A group of ranks that are processes of one machine; data goes straight from one rank's memory to another's.</summary>
internal sealed unsafe class SharedGroup : ProcessGroup
{
    private readonly SharedSeat _seat;
    private readonly SharedBoard _board;
    private readonly Dictionary<(int From, int To), SharedBoard> _pairs = [];

    public SharedGroup(SharedSeat seat, SharedBoard board, int rank)
        : base(board.Name, rank, board.Members.Length, seat.Timeout, seat.Recorder)
    {
        _seat = seat;
        _board = board;
    }

    public override void Abort(Exception cause) => _seat.Abort(cause);

    public override void ThrowIfStopped()
    {
        if (!_seat.IsStopped)
            return;
        _seat.WaitUntilStill();
        _seat.ThrowIfStopped();
    }

    protected internal override Work Start(in CollectiveCall call) => Arrive(call);

    protected internal override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        // The span is not where others can read it, so the call has a copy; what comes back is taken before anything else can happen to it.
        fixed (double* pointer = values)
        {
            var buffer = new CollectiveBuffer(pointer, values.Length * sizeof(double), DType.U8);
            Arrive(call with { Input = buffer, Output = buffer, DType = DType.U8 }).WaitInputs();
        }
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(name, [.. ranks.Select(member => _board.Members[member])], rank);

    private SharedWork Arrive(in CollectiveCall call)
    {
        RankThread.Check(_seat);
        try
        {
            _seat.ThrowIfStopped();
            var number = _seat.History.Begin(Name, call);
            var board = call.IsPointToPoint ? PairOf(call) : _board;
            var place = !call.IsPointToPoint ? Rank : call.Operation == CollectiveOperation.Send ? 0 : 1;
            var bounce = new BounceBuffers(_seat.Arena, call);
            board.Arrive(place, bounce.Call);
            var work = new SharedWork(_seat, board, call.Sequence, place, number, bounce);
            _seat.Track(work);
            return work;
        }
        catch (Exception e)
        {
            // As with waits: whoever learns of a failure here may unwind and free the buffers of its earlier calls, so nobody may touch them then.
            _seat.Abort(e);
            throw;
        }
    }

    // A pair counts its calls apart from the group, so it has a board of its own.
    private SharedBoard PairOf(in CollectiveCall call)
    {
        var (from, to) = call.Operation == CollectiveOperation.Send ? (Rank, call.Peer) : (call.Peer, Rank);
        if (!_pairs.TryGetValue((from, to), out var board))
        {
            var key = $"{Name} from {from} to {to}: {string.Join(',', _board.Members)}";
            _pairs[(from, to)] = board = new SharedBoard(_seat, Name, key, [_board.Members[from], _board.Members[to]]);
        }

        return board;
    }
}
