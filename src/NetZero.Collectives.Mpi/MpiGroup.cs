using NetZero.Tensors;

namespace NetZero.Collectives.Mpi;

/// <summary>A group of ranks that exchange data through MPI.</summary>
internal sealed unsafe class MpiGroup : ProcessGroup
{
    private readonly MpiSeat _seat;
    private readonly MpiComm _comm;
    private readonly MpiLane _lane = new();
    private readonly Dictionary<(int From, int To), MpiLane> _pairs = [];

    public MpiGroup(MpiSeat seat, string name, int[] members, MpiComm comm)
        : base(name, comm.Rank, comm.Size, seat.Timeout, seat.Recorder)
    {
        _seat = seat;
        _comm = comm;
        Members = members;
    }

    /// <summary>The world ranks of the members.</summary>
    public int[] Members { get; }

    public override void Abort(Exception cause) => _seat.Abort(cause);

    public override void ThrowIfStopped()
    {
        if (!_seat.IsStopped)
            return;
        _seat.WaitUntilStill();
        _seat.ThrowIfStopped();
    }

    protected internal override Work Start(in CollectiveCall call) => Begin(call);

    protected internal override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        // MPI reads and writes the caller's span, so it stays pinned until the call is over (a wait that throws stops this rank's communication first).
        fixed (double* pointer = values)
        {
            var buffer = new CollectiveBuffer(pointer, values.Length * sizeof(double), DType.U8);
            Begin(call with { Input = buffer, Output = buffer, DType = DType.U8 }).WaitInputs();
        }
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(this, _comm, name, [.. ranks], rank);

    private MpiWork Begin(in CollectiveCall call)
    {
        RankThread.Check(_seat);
        try
        {
            _seat.ThrowIfStopped();
            var operation = new MpiOperation(_comm, call, _seat.Deterministic, _seat.History.Begin(Name, call));
            _seat.Progress.Start(LaneOf(call), operation);
            var work = new MpiWork(_seat, this, operation);
            _seat.Track(work);
            return work;
        }
        catch (Exception e)
        {
            // As with waits: whoever learns of a failure here may unwind and free the buffers of its earlier calls.
            _seat.Abort(e);
            throw;
        }
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
