using System.Diagnostics;

namespace NetZero.Collectives.Mpi;

/// <summary>The <c>mpirun</c> of a flavor, which starts processes as ranks.</summary>
public static class MpiStarter
{
    // Debian's names tell the flavors apart where both are installed.
    private static readonly string[] OpenMpiNames = ["mpirun.openmpi", "mpirun"];
    private static readonly string[] MpichNames = ["mpirun.mpich", "mpiexec.hydra", "mpirun"];

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    /// <summary>Its path; null when this machine has none, or no library for it.</summary>
    public static string? Find(MpiFlavor flavor)
    {
        if (OperatingSystem.IsWindows() || MpiLibrary.Probe(flavor, out _) is null)
            return null;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return (flavor == MpiFlavor.OpenMpi ? OpenMpiNames : MpichNames)
            .SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).Where(File.Exists).FirstOrDefault(path => Is(path, flavor));
    }

    /// <summary>How to start a program on so many ranks of this machine, more than it has cores if need be. Output and errors are redirected.</summary>
    /// <param name="path">From <see cref="Find"/>.</param>
    /// <param name="flavor">Its flavor.</param>
    /// <param name="ranks">How many.</param>
    /// <param name="command">The program and its arguments.</param>
    public static ProcessStartInfo Start(string path, MpiFlavor flavor, int ranks, IEnumerable<string> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        var start = new ProcessStartInfo(path) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (flavor == MpiFlavor.OpenMpi)
        {
            // Open MPI asks for a word of consent before it runs as root, and before it starts more processes than there are cores.
            start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
            start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
            start.ArgumentList.Add("--oversubscribe");
        }

        foreach (var argument in (string[])["-n", $"{ranks}", .. command])
            start.ArgumentList.Add(argument);
        return start;
    }

    private static bool Is(string path, MpiFlavor flavor)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(AnswerWithin))
            {
                process.Kill();
                return false;
            }

            return text.GetAwaiter().GetResult().Contains(flavor == MpiFlavor.OpenMpi ? "Open" : "HYDRA", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }
}
