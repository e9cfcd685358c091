using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A group of ranks that are threads of one process; data goes straight from one rank's memory to another's.</summary>
internal sealed unsafe class InProcessGroup : ProcessGroup
{
    private readonly RankSeat _seat;
    private readonly CallBoard _board;

    public InProcessGroup(RankSeat seat, CallBoard board, int rank)
        : base(board.Name, rank, board.Members.Length, board.World.Timeout, seat.Recorder)
    {
        _seat = seat;
        _board = board;
    }

    public override void Abort(Exception cause) => _seat.Abort(cause);

    public override void ThrowIfStopped()
    {
        if (!_seat.IsStopped)
            return;
        _seat.World.WaitUntilStill();
        _seat.World.ThrowIfStopped(_seat.Rank);
    }

    protected internal override Work Start(in CollectiveCall call) => Arrive(call);

    protected internal override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        // The other ranks read and write the caller's span, so it stays pinned until nobody does (a wait that throws stops them first).
        fixed (double* pointer = values)
        {
            var buffer = new CollectiveBuffer(pointer, values.Length * sizeof(double), DType.U8);
            Arrive(call with { Input = buffer, Output = buffer, DType = DType.U8 }).WaitInputs();
        }
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(name, [.. ranks.Select(member => _board.Members[member])], rank);

    private InProcessWork Arrive(in CollectiveCall call)
    {
        RankThread.Check(_seat);
        var meeting = Join(call, out var place, out var number);
        var work = new InProcessWork(_seat, meeting, place, number);
        _seat.Track(work);
        return work;
    }

    // As with waits: whoever learns of a failure here may unwind and free the buffers of its earlier calls, so nobody may touch them then.
    private Meeting Join(in CollectiveCall call, out int place, out long number)
    {
        try
        {
            _seat.World.ThrowIfStopped(_seat.Rank);
            number = _seat.History.Begin(Name, call);
            return _board.Arrive(Rank, call, out place);
        }
        catch (Exception e)
        {
            _seat.Abort(e);
            throw;
        }
    }
}
