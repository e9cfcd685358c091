using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace NetZero.Collectives;

/// <summary>What Linux offers beyond .NET: memory without a file name, sleeping on a word of shared memory, giving pages back.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LinuxMemory
{
    // linux/memfd.h, linux/futex.h (not FUTEX_PRIVATE_FLAG: the word is shared), asm-generic/mman-common.h.
    private const uint MfdCloexec = 1;
    private const int FutexWait = 0;
    private const int FutexWake = 1;
    private const int MadvRemove = 9;

    private static readonly nint FutexCall = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 98 : 202;

    /// <summary>Whether this processor's number of the futex call is known.</summary>
    public static bool HasFutex => RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>An anonymous file in memory, or -1.</summary>
    public static int CreateFile(string name) => MemfdCreate(name, MfdCloexec);

    /// <summary>Sleeps while the word has a value, at most for a time; may return without cause.</summary>
    public static void SleepWhile(int* word, int value, TimeSpan timeout)
    {
        var time = new TimeSpec { Seconds = (long)timeout.TotalSeconds, Nanoseconds = timeout.Ticks % TimeSpan.TicksPerSecond * 100 };
        _ = Syscall(FutexCall, word, FutexWait, value, &time, 0, 0);
    }

    /// <summary>Wakes who sleeps on the word.</summary>
    public static void Wake(int* word) => _ = Syscall(FutexCall, word, FutexWake, int.MaxValue, null, 0, 0);

    /// <summary>Gives the pages of shared memory back that lie within a range entirely; they read as zero afterwards.</summary>
    public static void Remove(nint address, long bytes)
    {
        nint page = Environment.SystemPageSize;
        var start = (address + page - 1) / page * page;
        var end = (nint)(address + bytes) / page * page;
        if (end > start)
            _ = Madvise(start, (nuint)(end - start), MadvRemove);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Syscall(nint number, int* word, nint operation, nint value, TimeSpec* timeout, nint unused, nint alsoUnused);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(nint address, nuint length, int advice);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
