using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A group of a rank that has a seat in a world: what every transport does alike around a call.</summary>
internal abstract unsafe class SeatedGroup : ProcessGroup
{
    private readonly IRankSeat _seat;

    /// <summary>Sets what every group has.</summary>
    /// <param name="seat">The rank's place.</param>
    /// <param name="name">The group's name.</param>
    /// <param name="members">The world ranks of the members.</param>
    /// <param name="rank">This rank's index among them.</param>
    /// <param name="timeout">How long a wait may last.</param>
    protected SeatedGroup(IRankSeat seat, string name, int[] members, int rank, TimeSpan timeout)
        : base(name, rank, members.Length, timeout, seat.Recorder)
    {
        _seat = seat;
        Members = members;

        // The same in every process, unlike HashCode.
        foreach (var c in name)
            Id = (Id * 31) + c;
        foreach (var member in members)
            Id = (Id * 31) + member;
    }

    /// <summary>A hash of name and members, by which records of calls tell groups apart.</summary>
    public int Id { get; }

    /// <summary>The world ranks of the members.</summary>
    public int[] Members { get; }

    public sealed override void Abort(Exception cause) => _seat.Abort(cause);

    public sealed override void ThrowIfStopped()
    {
        if (!_seat.IsStopped)
            return;
        _seat.WaitUntilStill();
        _seat.ThrowIfStopped();
    }

    public sealed override IReadOnlyList<RankHistory> ReadOthers() =>
        [.. _seat.ReportHang().Ranks.Where(other => other.Rank != _seat.Rank)];

    protected internal sealed override Work Start(in CollectiveCall call)
    {
        RankThread.Check(_seat);
        try
        {
            _seat.ThrowIfStopped();
            return Arrive(call, _seat.History.Begin(Name, Id, call));
        }
        catch (Exception e)
        {
            // As with waits: whoever learns of a failure here may unwind and free the buffers of its earlier calls,
            // so nobody may touch them then.
            _seat.Abort(e);
            throw;
        }
    }

    protected internal sealed override void ReduceScalars(in CollectiveCall call, Span<double> values)
    {
        // Whoever moves the data reads and writes the caller's span, so it stays pinned until nobody does (a wait that
        // throws stops them first).
        fixed (double* pointer = values)
        {
            var buffer = new CollectiveBuffer(pointer, values.Length * sizeof(double), DType.U8);
            Start(call with { Input = buffer, Output = buffer, DType = DType.U8 }).WaitInputs();
        }
    }

    /// <summary>Publishes a call.</summary>
    /// <param name="call">The call, checked and recorded.</param>
    /// <param name="number">Its number in the rank's history.</param>
    protected abstract Work Arrive(in CollectiveCall call, long number);
}
