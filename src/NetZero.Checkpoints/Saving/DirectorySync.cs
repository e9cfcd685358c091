using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>Makes names durable: a file that was renamed has its new name after a power cut only once its folder was flushed.</summary>
/// <remarks>.NET opens no folders, so this asks the C library. On Windows NTFS keeps names in its journal, and there is nothing to call.</remarks>
internal static partial class DirectorySync
{
    // O_RDONLY is 0 everywhere. O_CLOEXEC differs between systems and is not needed: the handle lives for one call.
    private const int ReadOnly = 0;

    // EINVAL and EROFS are the same everywhere, ENOTSUP is not. File systems that cannot flush folders say one of them, as network and
    // virtual ones do; .NET's own flushing of files passes over the same.
    private static readonly int[] CannotBeFlushed = [22, 30, OperatingSystem.IsLinux() ? 95 : 45];

    /// <summary>Flushes a folder, where its file system can.</summary>
    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var handle = Open(folder, ReadOnly);
        if (handle < 0)
            throw Failed("opened", folder);
        try
        {
            if (Sync(handle) != 0 && !CannotBeFlushed.Contains(Marshal.GetLastPInvokeError()))
                throw Failed("flushed", folder);
        }
        finally
        {
            _ = Close(handle);
        }
    }

    private static IOException Failed(string what, string folder) =>
        new($"the folder {folder} cannot be {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
