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

    /// <summary>Runs an assembly of the tests on so many ranks to its end; at the limit it is killed, and the wait throws.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        MpiFlavor flavor, int ranks, string assembly, IEnumerable<string> arguments, TimeSpan limit)
    {
        var start = Start(flavor, ranks, [System.IO.Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var end = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(end.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output, await errors);
    }

    private static string? Path(MpiFlavor flavor) => Found.GetOrAdd(flavor, MpiStarter.Find);
}
