namespace NetZero.Collectives;

/// <summary>One rank's side of a <see cref="Meeting"/>.</summary>
/// <remarks>
/// A wait that fails stops the world before it throws: the caller's unwinding may free the buffers, so nobody may touch them from then on.
/// </remarks>
internal sealed class InProcessWork(RankSeat seat, Meeting meeting, int place, long number) : Work
{
    private Meeting? _meeting = meeting;
    private bool _hasResult;

    public override bool IsCompleted
    {
        get
        {
            if (_meeting is { IsOver: true })
                Release();
            return _meeting is null;
        }
    }

    public override void Wait()
    {
        if (_hasResult || IsCompleted)
            return;
        RankThread.Check(seat);
        try
        {
            _meeting!.WaitResult(seat, place);
        }
        catch (Exception e)
        {
            seat.Abort(e);
            throw;
        }

        _hasResult = true;
    }

    public override void WaitInputs()
    {
        if (IsCompleted)
            return;
        RankThread.Check(seat);
        try
        {
            _meeting!.WaitOver(seat, place);
        }
        catch (Exception e)
        {
            seat.Abort(e);
            throw;
        }

        Release();
    }

    private void Release()
    {
        seat.History.End(number);
        _meeting!.Release();
        _meeting = null;
    }
}
