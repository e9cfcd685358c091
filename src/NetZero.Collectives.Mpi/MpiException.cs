namespace NetZero.Collectives.Mpi;

/// <summary>A call of MPI failed: which, and what MPI says about it.</summary>
public sealed class MpiException : Exception
{
    /// <summary>Names the call.</summary>
    public MpiException(string message)
        : base(message)
    {
    }
}
