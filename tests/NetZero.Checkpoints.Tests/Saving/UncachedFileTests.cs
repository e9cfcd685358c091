using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NetZero.Testing;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>Writing past the system's cache: the same bytes as through it, whatever the memory, the place and the file system.</summary>
public sealed unsafe class UncachedFileTests : IDisposable
{
    private const int Bytes = 10 * UncachedFile.PageBytes;

    private readonly TemporaryFolder _folder = new();
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(Bytes, UncachedFile.PageBytes);

    public UncachedFileTests() => new Random(1).NextBytes(new Span<byte>(_memory, Bytes));

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0, 0, Bytes)]
    [InlineData(0, 4096, 8192)]
    [InlineData(4096, 0, 5000)]
    [InlineData(0, 8192, 4095)]
    [InlineData(64, 0, 8192)]
    [InlineData(0, 64, 8192)]
    [InlineData(0, 0, 0)]
    public void WhatIsWritten_IsThere_PastTheCacheWhereItIsCutAtPages(int memoryStart, int fileStart, int length)
    {
        var path = _folder["file"];
        long direct;
        using (var handle = Create(path))
        {
            RandomAccess.Write(handle, new byte[fileStart], 0);
            var file = new UncachedFile(handle);
            file.Write(fileStart, new ReadOnlySpan<byte>(_memory + memoryStart, length));

            // Once more behind it, so that pieces follow each other as those of a checkpoint do.
            file.Write(fileStart + length, new ReadOnlySpan<byte>(_memory, 100));

            // And others may write anything afterwards, though whole pages were the last.
            file.Write(2 * Bytes, new ReadOnlySpan<byte>(_memory, UncachedFile.PageBytes));
            file.End();
            RandomAccess.Write(handle, [1], (2 * Bytes) + 1);
            RandomAccess.SetLength(handle, fileStart + length + 100);
            direct = file.DirectBytes;
            RandomAccess.FlushToDisk(handle);
        }

        Assert.Equal(
            [.. new byte[fileStart], .. new ReadOnlySpan<byte>(_memory + memoryStart, length), .. new ReadOnlySpan<byte>(_memory, 100)],
            File.ReadAllBytes(path));

        // Not every file system of a test's temporary folder can do it.
        var isCut = memoryStart % UncachedFile.PageBytes == 0 && fileStart % UncachedFile.PageBytes == 0;
        var pages = (isCut ? length & -UncachedFile.PageBytes : 0) + UncachedFile.PageBytes;
        Assert.True(direct == pages || direct == 0, $"{direct} bytes went past the cache");
        Assert.True(direct == pages || !IsDirectPossible(), $"{direct} bytes went past the cache");
    }

    [FactOnSystem(TestSystems.Linux, "elsewhere there is no /dev/full")]
    public void DiskThatIsFull_IsAnError_AsThroughTheCache()
    {
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        var file = new UncachedFile(full);
        var error = Assert.ThrowsAny<IOException>(() => file.Write(0, new ReadOnlySpan<byte>(_memory, Bytes)));
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
    }

    private bool IsDirectPossible()
    {
        using var handle = Create(_folder["probe"]);
        return LinuxFile.TrySetDirect(handle, true);
    }

    private static SafeFileHandle Create(string path) => File.OpenHandle(path, FileMode.Create, FileAccess.Write);
}
