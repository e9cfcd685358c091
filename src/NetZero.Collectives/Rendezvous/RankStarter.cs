namespace NetZero.Collectives;

/// <summary>What started the ranks of a world of processes, as their environment tells.</summary>
public enum RankStarter
{
    /// <summary>The launcher, torchrun, a script, Kubernetes, or Slurm on one node.</summary>
    Variables,

    /// <summary>The <c>mpirun</c> of Open MPI.</summary>
    OpenMpi,

    /// <summary>The <c>mpirun</c> of MPICH and its relatives.</summary>
    Hydra,

    /// <summary>Slurm, on several nodes: with whichever MPI library it was made for.</summary>
    SlurmNodes,
}
