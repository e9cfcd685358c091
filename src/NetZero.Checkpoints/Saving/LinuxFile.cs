using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>What Linux does with open files beyond reading and writing them; elsewhere nothing happens.</summary>
internal static partial class LinuxFile
{
    // SYNC_FILE_RANGE_WRITE: begin to write these pages, do not wait.
    private const uint SyncFileRangeWrite = 2;

    // F_GETFL and F_SETFL of fcntl.
    private const int GetFlags = 3;
    private const int SetFlags = 4;

    // O_DIRECT is one of the few flags that differ between architectures.
    private static readonly int DirectFlag = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 or Architecture.X86 or Architecture.RiscV64 or Architecture.LoongArch64 or Architecture.S390x => 0x4000,
        Architecture.Arm64 or Architecture.Arm => 0x10000,
        Architecture.Ppc64le => 0x20000,
        _ => 0,
    };

    /// <summary>Begins to bring to the disk what was written, and does not wait. Only a hint: what goes wrong with the disk is found when
    /// the file is flushed.</summary>
    public static void BeginToWrite(SafeHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
            _ = SyncFileRange(file, offset, length, SyncFileRangeWrite);
    }

    /// <summary>Says that what is written from now on goes past the system's cache, or no longer.</summary>
    /// <returns>Whether the system and the file system do that.</returns>
    public static bool TrySetDirect(SafeHandle file, bool direct)
    {
        if (!OperatingSystem.IsLinux() || DirectFlag == 0)
            return false;
        var flags = Control(file, GetFlags, 0);
        return flags >= 0 && Control(file, SetFlags, direct ? flags | DirectFlag : flags & ~DirectFlag) == 0;
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeHandle file, long offset, long length, uint flags);

    // Its last argument is variadic, which on Linux's architectures is passed like any other.
    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeHandle file, int command, nint argument);
}
