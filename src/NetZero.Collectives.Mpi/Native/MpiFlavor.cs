namespace NetZero.Collectives.Mpi;

/// <summary>Whose binary interface an MPI library has.</summary>
public enum MpiFlavor
{
    /// <summary>Open MPI 4 and 5.</summary>
    OpenMpi,

    /// <summary>MPICH and what shares its binary interface (Intel MPI, MVAPICH, Cray MPICH).</summary>
    Mpich,
}
