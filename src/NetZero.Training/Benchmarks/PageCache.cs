using System.Runtime.InteropServices;

namespace NetZero.Training;

/// <summary>Makes the system forget what it has of a file in memory, so that reading it reads the disk.</summary>
internal static partial class PageCache
{
    // POSIX_FADV_DONTNEED of Linux.
    private const int DontNeed = 4;

    /// <summary>Forgets a file whose bytes are on the disk.</summary>
    /// <returns>Whether this system can; elsewhere reads may come from memory.</returns>
    public static bool Forget(string path)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        using var file = File.OpenHandle(path);
        return Advise(file, 0, 0, DontNeed) == 0;
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeHandle file, long offset, long length, int advice);
}
