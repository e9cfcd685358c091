namespace NetZero.Collectives.Mpi;

/// <summary>One rank's side of a call: over when its result is there and its buffers are free, which MPI tells together.</summary>
/// <remarks>A wait that fails stops this rank's communication before it throws: the caller's unwinding may free the buffers.</remarks>
internal sealed class MpiWork(MpiSeat seat, MpiGroup group, MpiOperation operation) : Work
{
    private bool _isOver;

    public override bool IsCompleted
    {
        get
        {
            if (!_isOver && operation.IsOver)
                End();
            return _isOver;
        }
    }

    public override void Wait()
    {
        if (IsCompleted)
            return;
        RankThread.Check(seat);
        try
        {
            seat.WaitFor(group, operation);
        }
        catch (Exception e)
        {
            seat.Abort(e);
            throw;
        }

        End();
    }

    public override void WaitInputs() => Wait();

    private void End()
    {
        _isOver = true;
        seat.History.End(operation.Number);
    }
}
