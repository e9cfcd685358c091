namespace NetZero.Collectives.Mpi;

/// <summary>The communicators of one group.</summary>
/// <param name="Runtime">MPI.</param>
/// <param name="Data">Carries the calls' data.</param>
/// <param name="Check">Carries what ranks compare before.</param>
/// <param name="Rank">This rank in the group.</param>
/// <param name="Size">Ranks of the group.</param>
/// <param name="MostElements">Elements of one message of MPI, which counts with an int; larger ones are split.</param>
internal sealed record MpiComm(MpiRuntime Runtime, nint Data, nint Check, int Rank, int Size, int MostElements)
{
    /// <summary>A group over all ranks of a communicator.</summary>
    public static MpiComm Over(MpiRuntime runtime, nint comm, int rank, int size, int mostElements)
    {
        var data = runtime.Duplicate(comm);
        return new MpiComm(runtime, data, runtime.Duplicate(data), rank, size, mostElements);
    }
}
