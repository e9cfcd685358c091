using System.Diagnostics;
using NetZero.Collectives.Mpi;

namespace NetZero.Testing;

/// <summary>The <c>mpirun</c> of a flavor, where this machine has one.</summary>
public static class MpiRun
{
    /// <summary>Its path: Debian's names tell flavors apart where both are installed. Null when there is none, or no library for it.</summary>
    public static string? Find(MpiFlavor flavor)
    {
        if (!OperatingSystem.IsLinux() || MpiLibrary.Probe(flavor, out _) is null)
            return null;
        var name = flavor == MpiFlavor.OpenMpi ? "mpirun.openmpi" : "mpirun.mpich";
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Starts a .NET assembly on so many ranks, more than there are cores if need be; output and errors are redirected.</summary>
    public static ProcessStartInfo Start(MpiFlavor flavor, int ranks, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(flavor)!) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        if (flavor == MpiFlavor.OpenMpi)
        {
            // Open MPI asks for a word of consent before it runs as root, and before it starts more processes than there are cores.
            start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
            start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
            start.ArgumentList.Add("--oversubscribe");
        }

        foreach (var argument in (string[])["-n", $"{ranks}", Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", .. arguments])
            start.ArgumentList.Add(argument);
        return start;
    }
}
