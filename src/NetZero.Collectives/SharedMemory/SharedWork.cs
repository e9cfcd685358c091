namespace NetZero.Collectives;

/// <summary>One rank's side of a call on a <see cref="SharedBoard"/>.</summary>
/// <remarks>
/// A wait that fails stops the world before it throws: the caller's unwinding may free the buffers, so nobody may touch them from then on.
/// </remarks>
internal sealed class SharedWork(SharedSeat seat, SharedBoard board, long sequence, int place, long number, BounceBuffers bounce) : Work
{
    private BounceBuffers _bounce = bounce;
    private bool _delivered;
    private bool _over;

    public override bool IsCompleted
    {
        get
        {
            if (!_over && board.IsOver(sequence))
                End();
            return _over;
        }
    }

    public override void Wait()
    {
        if (_delivered || IsCompleted)
            return;
        RankThread.Check(seat);
        try
        {
            board.WaitResult(sequence, place);
        }
        catch (Exception e)
        {
            seat.Abort(e);
            throw;
        }

        _bounce.Deliver(ref _delivered);
    }

    public override void WaitInputs()
    {
        if (IsCompleted)
            return;
        RankThread.Check(seat);
        try
        {
            if (board.CopiesInputs(_bounce.Call))
                board.WaitResult(sequence, place);
            else
                board.WaitOver(sequence, place);
        }
        catch (Exception e)
        {
            seat.Abort(e);
            throw;
        }

        End();
    }

    private void End()
    {
        _bounce.Deliver(ref _delivered);
        _bounce.Free();
        _over = true;
        seat.History.End(number);
    }
}
