using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace NetZero.Tensors;

/// <summary>Native memory, 64-byte aligned, cached per size and reused; so a steady step asks the system for nothing.</summary>
/// <remarks>
/// Sizes up to 1 MiB are rounded up to sixteenths of the next power of two, which bounds waste to an eighth and lets neighbouring sizes share blocks; larger blocks are of
/// exact size, because there waste would be felt and a step asks for the same sizes again and again.
/// </remarks>
internal sealed unsafe partial class NativeAllocator : Allocator
{
    private const long ExactAboveBytes = 1 << 20;

    // Below this a huge page would be mostly empty.
    private const long HugePageBytes = 2 << 20;

    private readonly Dictionary<long, Stack<nint>> _free = [];
    private readonly HashSet<nint> _all = [];

    public override nint Allocate(long bytes)
    {
        var size = SizeClass(bytes);
        if (_free.TryGetValue(size, out var blocks) && blocks.TryPop(out var block))
            return block;
        SystemAllocations++;
        var huge = size >= HugePageBytes;
        block = (nint)NativeMemory.AlignedAlloc((nuint)size, huge ? (nuint)HugePageBytes : MemoryLedger.GranuleBytes);
        if (huge && OperatingSystem.IsLinux())
            AdviseHugePages(block, size);
        _all.Add(block);
        return block;
    }

    public override void Free(nint pointer, long bytes)
    {
        var size = SizeClass(bytes);
        if (!_free.TryGetValue(size, out var blocks))
            _free[size] = blocks = new Stack<nint>();
        blocks.Push(pointer);
    }

    public override void Dispose()
    {
        foreach (var block in _all)
            NativeMemory.AlignedFree((void*)block);
        _all.Clear();
        _free.Clear();
    }

    internal static long SizeClass(long bytes)
    {
        var size = Math.Max(MemoryLedger.GranuleBytes, MemoryLedger.Round(bytes));
        if (size > ExactAboveBytes)
            return size;
        var step = Math.Max(MemoryLedger.GranuleBytes, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)size) / 16);
        return (size + step - 1) / step * step;
    }

    [SupportedOSPlatform("linux")]
    private static void AdviseHugePages(nint block, long bytes)
    {
        const int MadvHugepage = 14;

        // Advice only: a kernel without huge pages says no and nothing is lost.
        _ = Madvise(block, (nuint)bytes, MadvHugepage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(nint address, nuint length, int advice);
}
