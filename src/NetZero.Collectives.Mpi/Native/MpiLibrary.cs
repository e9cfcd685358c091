using System.Runtime.InteropServices;
using System.Text;

namespace NetZero.Collectives.Mpi;

/// <summary>An MPI library of this machine.</summary>
public sealed unsafe partial class MpiLibrary
{
    /// <summary>Names one library, the only one that is then tried.</summary>
    public const string PathVariable = "NETZERO_MPI_LIBRARY";

    // mpi.h of both: MPI_MAX_LIBRARY_VERSION_STRING is 256 in Open MPI and 8192 in MPICH.
    private const int LongestVersion = 8192;

    private MpiLibrary(string path, nint handle, MpiFlavor flavor, string version)
    {
        Path = path;
        Handle = handle;
        Flavor = flavor;
        Version = version;
    }

    /// <summary>The name under which it was found.</summary>
    public string Path { get; }

    /// <summary>Its binary interface.</summary>
    public MpiFlavor Flavor { get; }

    /// <summary>What it says about itself, the first line.</summary>
    public string Version { get; }

    internal nint Handle { get; }

    /// <summary>Finds a library.</summary>
    /// <param name="flavor">The one that started the processes; null is any.</param>
    /// <exception cref="MpiLibraryException">There is none: all that was tried, and what to install.</exception>
    public static MpiLibrary Load(MpiFlavor? flavor)
    {
        var found = Probe(flavor, out var tried);
        return found ?? throw new MpiLibraryException(flavor, tried);
    }

    /// <summary>Looks for a library.</summary>
    /// <param name="flavor">Whose; null is any.</param>
    /// <param name="tried">What was tried, a line each, with what was found there.</param>
    /// <returns>Null when there is none.</returns>
    public static MpiLibrary? Probe(MpiFlavor? flavor, out IReadOnlyList<string> tried)
    {
        var lines = new List<string>();
        tried = lines;
        KeepSignals();
        foreach (var path in Candidates(flavor))
        {
            if (!NativeLibrary.TryLoad(path, out var handle))
            {
                lines.Add($"{path}: not there");
                continue;
            }

            var version = VersionOf(handle);
            if (version is null)
            {
                lines.Add($"{path}: no MPI library");
            }
            else if (FlavorOf(version) is not { } found)
            {
                lines.Add($"{path}: '{version}' is neither Open MPI nor MPICH");
            }
            else if (flavor is { } wanted && found != wanted)
            {
                lines.Add($"{path}: {version}, but the processes were started by {NameOf(wanted)}");
            }
            else
            {
                lines.Add($"{path}: {version}");
                return new MpiLibrary(path, handle, found, version);
            }

            NativeLibrary.Free(handle);
        }

        return null;
    }

    internal static string NameOf(MpiFlavor flavor) => flavor == MpiFlavor.OpenMpi ? "Open MPI" : "MPICH";

    // UCX, on which MPI libraries stand, takes over the signals of bad addresses when it is loaded, and ends the process where .NET throws a
    // NullReferenceException. It reads its settings from the C library's environment, which is not .NET's copy. What the user has set stays.
    private static void KeepSignals()
    {
        if (OperatingSystem.IsLinux())
            _ = SetEnvironment("UCX_ERROR_SIGNALS", "", 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    private static IEnumerable<string> Candidates(MpiFlavor? flavor)
    {
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } path)
            return [path];
        return [.. flavor != MpiFlavor.Mpich ? OpenMpiNames() : [], .. flavor != MpiFlavor.OpenMpi ? MpichNames() : []];
    }

    // 40 is the major of Open MPI's shared library since version 4; the folders are those of Debian, of Red Hat's modules, and of Homebrew.
    private static IEnumerable<string> OpenMpiNames() => OperatingSystem.IsMacOS()
        ? [.. Homes("libmpi.40.dylib"), "libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib", "/usr/local/lib/libmpi.40.dylib"]
        :
        [
            .. Homes("libmpi.so.40"), "libmpi.so.40", $"/usr/lib/{Triple}/openmpi/lib/libmpi.so.40", "/usr/lib64/openmpi/lib/libmpi.so.40",
            "/usr/local/lib/libmpi.so.40", "/opt/openmpi/lib/libmpi.so.40",
        ];

    // 12 is the major of the binary interface that MPICH and its relatives agreed on (www.mpich.org/abi).
    private static IEnumerable<string> MpichNames() => OperatingSystem.IsMacOS()
        ? [.. Homes("libmpi.12.dylib"), "libmpi.12.dylib", "/opt/homebrew/lib/libmpi.12.dylib", "/usr/local/lib/libmpi.12.dylib"]
        :
        [
            .. Homes("libmpi.so.12"), "libmpich.so.12", "libmpi.so.12", "/usr/lib64/mpich/lib/libmpi.so.12", "/usr/local/lib/libmpi.so.12", "/opt/mpich/lib/libmpi.so.12",
        ];

    private static string Triple => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

    private static IEnumerable<string> Homes(string name)
    {
        foreach (var variable in (string[])["MPI_HOME", "OPAL_PREFIX", "I_MPI_ROOT"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } home)
                yield return System.IO.Path.Combine(home, "lib", name);
        }
    }

    private static string? VersionOf(nint handle)
    {
        // May be called before MPI is begun (MPI 3.1, section 8.1.1).
        if (!NativeLibrary.TryGetExport(handle, "MPI_Get_library_version", out var function))
            return null;
        var text = stackalloc byte[LongestVersion];
        var length = 0;
        if (((delegate* unmanaged[Cdecl]<byte*, int*, int>)function)(text, &length) != 0)
            return null;
        var version = Encoding.UTF8.GetString(text, length).TrimEnd('\0');
        var line = version.AsSpan(0, version.AsSpan().IndexOf('\n') is >= 0 and var end ? end : version.Length);
        return string.Join(' ', line.ToString().Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd(',');
    }

    private static MpiFlavor? FlavorOf(string version) =>
        version.Contains("Open MPI", StringComparison.Ordinal) ? MpiFlavor.OpenMpi
        : version.Contains("MPICH", StringComparison.Ordinal) || version.Contains("Intel(R) MPI", StringComparison.Ordinal)
            || version.Contains("MVAPICH", StringComparison.Ordinal) ? MpiFlavor.Mpich
        : null;
}
