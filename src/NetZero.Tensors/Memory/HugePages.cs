using System.Runtime.InteropServices;

namespace NetZero.Tensors;

/// <summary>Asks Linux to back large blocks by huge pages: fewer page faults and fewer misses of the address cache.</summary>
internal static unsafe class HugePages
{
    /// <summary>The size of a huge page; in smaller blocks it would be mostly empty.</summary>
    public const long Bytes = 2 << 20;

    // MADV_HUGEPAGE of sys/mman.h.
    private const int MadvHugepage = 14;

    private static readonly delegate* unmanaged<nint, nuint, int, int> Madvise = FindAdvise();

    /// <summary>Whether this system takes such advice.</summary>
    public static bool AreAvailable => Madvise is not null;

    /// <summary>Whether a block is large enough to be aligned to huge pages and advised.</summary>
    public static bool AreWorthwhile(long bytes) => bytes >= Bytes;

    /// <summary>Advice only: where it is not available, or the kernel says no, nothing is lost.</summary>
    public static void Advise(nint block, long bytes)
    {
        if (AreAvailable)
            _ = Madvise(block, (nuint)bytes, MadvHugepage);
    }

    // Looked up in the process, which has loaded its C library whatever that is called.
    private static delegate* unmanaged<nint, nuint, int, int> FindAdvise() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "madvise", out var advise)
            ? (delegate* unmanaged<nint, nuint, int, int>)advise
            : null;
}
