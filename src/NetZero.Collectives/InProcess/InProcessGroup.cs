namespace NetZero.Collectives;

/// <summary>A group of ranks that are threads of one process; data goes straight from one rank's memory to another's.</summary>
internal sealed class InProcessGroup : SeatedGroup
{
    private readonly RankSeat _seat;
    private readonly CallBoard _board;

    public InProcessGroup(RankSeat seat, CallBoard board, int rank)
        : base(seat, board.Name, board.Members, rank, board.World.Timeout)
    {
        _seat = seat;
        _board = board;
    }

    protected override ProcessGroup OpenSubgroup(string name, IReadOnlyList<int> ranks, int rank) =>
        _seat.OpenGroup(name, [.. ranks.Select(member => Members[member])], rank);

    protected override Work Arrive(in CollectiveCall call, long number)
    {
        var meeting = _board.Arrive(Rank, call, out var place);
        var work = new InProcessWork(_seat, meeting, place, number);
        _seat.Track(work);
        return work;
    }
}
