namespace NetZero.Collectives.Mpi;

/// <summary>Processes were started as ranks of MPI, and no MPI library can be used: one line says what was looked for and what to install.</summary>
public sealed class MpiLibraryException : Exception
{
    /// <summary>A library that cannot be used.</summary>
    public MpiLibraryException(string message)
        : base(message)
    {
    }

    /// <summary>None was found.</summary>
    /// <param name="flavor">The one that is needed; null is any.</param>
    /// <param name="tried">What was tried, a line each.</param>
    public MpiLibraryException(MpiFlavor? flavor, IReadOnlyList<string> tried)
        : base(
            $"no MPI library can be used (tried {string.Join("; ", tried)}); install {Packages(flavor)}, or name the library with {MpiLibrary.PathVariable}")
    {
    }

    private static string Packages(MpiFlavor? flavor) => flavor switch
    {
        MpiFlavor.OpenMpi => "Open MPI (Debian: openmpi-bin, Homebrew: open-mpi)",
        MpiFlavor.Mpich => "MPICH (Debian: mpich, Homebrew: mpich)",
        _ => "Open MPI (Debian: openmpi-bin) or MPICH (Debian: mpich)",
    };
}
