namespace NetZero.Collectives.Mpi;

/// <summary>Requests of MPI that are under way together.</summary>
internal sealed unsafe class MpiRequests(MpiRuntime runtime)
{
    private readonly List<nint> _requests = [];

    /// <summary>Adds what a call has started.</summary>
    public void Add(int code, nint request, string call)
    {
        runtime.Check(code, call);
        _requests.Add(request);
    }

    /// <summary>Lets MPI work; true when all are over.</summary>
    public bool Test()
    {
        for (var i = _requests.Count - 1; i >= 0; i--)
        {
            var request = _requests[i];
            runtime.Check(MpiNative.MPI_Test(&request, out var done, runtime.Abi.IgnoreStatus), nameof(MpiNative.MPI_Test));
            if (done != 0)
                _requests.RemoveAt(i);
        }

        return _requests.Count == 0;
    }

    public void Send(void* buffer, long count, nint type, int to, int tag, nint comm)
    {
        nint request = 0;
        Add(MpiNative.MPI_Isend(buffer, checked((int)count), type, to, tag, comm, &request), request, nameof(MpiNative.MPI_Isend));
    }

    public void Receive(void* buffer, long count, nint type, int from, int tag, nint comm)
    {
        nint request = 0;
        Add(MpiNative.MPI_Irecv(buffer, checked((int)count), type, from, tag, comm, &request), request, nameof(MpiNative.MPI_Irecv));
    }
}
