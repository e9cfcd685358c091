namespace NetZero.Collectives.Mpi;

/// <summary>A group of ranks that exchange data through MPI.</summary>
internal sealed class MpiGroup : SeatedGroup
{
    private readonly MpiSeat _seat;
    private readonly MpiComm _comm;
    private readonly MpiLane _lane = new();
    private readonly Dictionary<(int From, int To), MpiLane> _pairs = [];

    public MpiGroup(MpiSeat seat, string name, int[] members, MpiComm comm)
        : base(seat, name, members, comm.Rank, seat.Timeout)
    {
        _seat = seat;
        _comm = comm;
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(this, _comm, name, [.. ranks], rank);

    protected override Work Arrive(in CollectiveCall call, long number)
    {
        var operation = new MpiOperation(_comm, call, _seat.Deterministic, number);
        _seat.Progress.Start(LaneOf(call), operation);
        var work = new MpiWork(_seat, this, operation);
        _seat.Track(work);
        return work;
    }

    private MpiLane LaneOf(in CollectiveCall call)
    {
        if (!call.IsPointToPoint)
            return _lane;
        var pair = call.Operation == CollectiveOperation.Send ? (Rank, call.Peer) : (call.Peer, Rank);
        if (!_pairs.TryGetValue(pair, out var lane))
            _pairs[pair] = lane = new MpiLane();
        return lane;
    }
}
