using System.Collections.Concurrent;
using System.Diagnostics;
using NetZero.Collectives.Mpi;

namespace NetZero.Testing;

/// <summary>Starts .NET assemblies under <c>mpirun</c>.</summary>
public static class MpiRun
{
    private static readonly ConcurrentDictionary<MpiFlavor, string?> Found = new();

    /// <summary>Whether this machine has the flavor.</summary>
    public static bool Has(MpiFlavor flavor) => OperatingSystem.IsLinux() && Path(flavor) is not null;

    /// <summary>Starts an assembly on so many ranks; output and errors are redirected.</summary>
    public static ProcessStartInfo Start(MpiFlavor flavor, int ranks, IEnumerable<string> arguments)
    {
        var start = MpiStarter.Start(Path(flavor)!, flavor, ranks, [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", .. arguments]);
        start.WorkingDirectory = System.IO.Path.GetTempPath();
        return start;
    }

    private static string? Path(MpiFlavor flavor) => Found.GetOrAdd(flavor, MpiStarter.Find);
}
