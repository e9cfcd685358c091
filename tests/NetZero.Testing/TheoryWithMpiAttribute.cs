using NetZero.Collectives.Mpi;
using Xunit;

namespace NetZero.Testing;

/// <summary>A test that runs under both flavors of <c>mpirun</c>, and is reported as skipped where one is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TheoryWithMpiAttribute : TheoryAttribute
{
    public TheoryWithMpiAttribute()
    {
        var missing = Enum.GetValues<MpiFlavor>().Where(flavor => !MpiRun.Has(flavor)).ToArray();
        if (missing.Length > 0)
            Skip = $"There is no mpirun with its library of {string.Join(" and ", missing)}; on Debian: apt-get install openmpi-bin mpich.";
    }
}
