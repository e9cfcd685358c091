namespace NetZero.Collectives.Mpi;

/// <summary>A piece of communication that goes on whenever somebody looks at it, with the gate held.</summary>
internal interface IMpiStep
{
    /// <summary>Begins it.</summary>
    void Begin();

    /// <summary>Whether nothing is left to begin that MPI matches by its order alone, so that the next call may begin.</summary>
    bool HasBegunAll { get; }

    /// <summary>Lets it go on; true when it is over.</summary>
    bool Advance();
}

/// <summary>One call of MPI, or several of which each begins when the one before is over.</summary>
/// <param name="runtime">MPI.</param>
/// <param name="calls">How many.</param>
/// <param name="begin">Begins one.</param>
internal sealed class MpiCalls(MpiRuntime runtime, int calls, Action<MpiRequests, int> begin) : IMpiStep
{
    private readonly MpiRequests _requests = new(runtime);
    private int _begun;

    public bool HasBegunAll => _begun >= calls;

    public void Begin()
    {
        if (calls > 0)
            begin(_requests, _begun++);
    }

    public bool Advance()
    {
        while (_requests.Test())
        {
            if (_begun >= calls)
                return true;
            begin(_requests, _begun++);
        }

        return false;
    }
}
