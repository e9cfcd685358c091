using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NetZero.Collectives.Mpi;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary>One fact about this machine, and what is wrong with it, if anything.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Value">What was found.</param>
/// <param name="Advice">What could be better, and how; null when all is well.</param>
internal sealed record MachineFact(string Name, string Value, string? Advice = null);

/// <summary>What this machine offers to training.</summary>
internal static class MachineFacts
{
    // Below this a checkpoint of a small model does not fit beside its predecessor.
    private const long LittleDiskBytes = 1L << 30;

    // A process with fewer cannot hold the connections and files of a large job.
    private const long FewFiles = 1024;

    /// <summary>The short form: what belongs into every report.</summary>
    public static IEnumerable<MachineFact> Short()
    {
        yield return new("NetZero", typeof(TensorContext).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "of no version");
        yield return new(".NET", RuntimeInformation.FrameworkDescription);
        yield return new("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        yield return Processor();
        yield return new("memory", ByteSize.Show(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        foreach (var flavor in Enum.GetValues<MpiFlavor>())
        {
            var library = MpiLibrary.Probe(flavor, out _);
            yield return new(Name(flavor), library is null ? "none" : $"{library.Version} ({library.Path}), started by {MpiStarter.Find(flavor) ?? "nothing that was found"}");
        }
    }

    /// <summary>What is of interest when something is slow or does not work.</summary>
    public static IEnumerable<MachineFact> Further()
    {
        yield return Disk("disk here", Environment.CurrentDirectory);
        yield return Disk("temporary files", Path.GetTempPath());
        if (OperatingSystem.IsLinux())
        {
            yield return HugePages();
            yield return new("shared memory", Directory.Exists("/dev/shm")
                ? $"/dev/shm has {Free("/dev/shm")} free of {Size("/dev/shm")}; ranks of one machine do without it, MPI libraries may not"
                : "no /dev/shm; ranks of one machine do without it, MPI libraries may not");
            foreach (var fact in Limits())
                yield return fact;
        }

        foreach (var flavor in Enum.GetValues<MpiFlavor>())
        {
            _ = MpiLibrary.Probe(flavor, out var tried);
            yield return new($"{Name(flavor)}, tried", string.Join("; ", tried));
        }
    }

    private static string Name(MpiFlavor flavor) => flavor == MpiFlavor.OpenMpi ? "Open MPI" : "MPICH";

    private static MachineFact Processor()
    {
        var width = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        var value = $"{Environment.ProcessorCount} cores, vectors of {width} bits";
        return RuntimeInformation.ProcessArchitecture == Architecture.X64 && !Fma.IsSupported
            ? new("processor", value, "it has no FMA, or a setting turns it off: multiplications are many times slower")
            : new("processor", value);
    }

    private static MachineFact Disk(string name, string path)
    {
        var drive = new DriveInfo(Path.GetFullPath(path));
        var value = $"{ByteSize.Show(drive.AvailableFreeSpace)} free of {ByteSize.Show(drive.TotalSize)} at {path}";
        return new(name, value, drive.AvailableFreeSpace < LittleDiskBytes ? "there is little room for checkpoints" : null);
    }

    private static string Free(string path) => ByteSize.Show(new DriveInfo(path).AvailableFreeSpace);

    private static string Size(string path) => ByteSize.Show(new DriveInfo(path).TotalSize);

    private static MachineFact HugePages()
    {
        // Documentation/admin-guide/mm/transhuge.rst: the chosen word stands in brackets.
        const string folder = "/sys/kernel/mm/transparent_hugepage";
        var (own, shared) = (Chosen($"{folder}/enabled"), Chosen($"{folder}/shmem_enabled"));
        return new(
            "huge pages", $"{own} for tensors, {shared} for memory that ranks share",
            own == "never" ? $"write madvise to {folder}/enabled: large tensors are then reached faster" : null);
    }

    private static string Chosen(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            var start = text.IndexOf('[', StringComparison.Ordinal);
            return start < 0 ? "unknown" : text[(start + 1)..text.IndexOf(']', StringComparison.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "unknown";
        }
    }

    private static IEnumerable<MachineFact> Limits()
    {
        foreach (var line in File.ReadLines("/proc/self/limits"))
        {
            foreach (var (label, name) in ((string, string)[])[("Max open files", "open files"), ("Max locked memory", "locked memory"), ("Max processes", "processes")])
            {
                if (!line.StartsWith(label, StringComparison.Ordinal))
                    continue;
                var value = line[label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                var few = name == "open files" && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var files) && files < FewFiles;
                yield return new($"limit of {name}", value, few ? $"raise it with ulimit -n {FewFiles}" : null);
            }
        }
    }
}
