using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace NetZero.Collectives;

/// <summary>Memory that several processes of one machine map, each at an address of its own.</summary>
/// <remarks>
/// On Linux it is an anonymous file in memory, which others open through its owner's <c>/proc</c> entry: it never has a name, is not bounded by the
/// size of /dev/shm, and is gone with the last process that maps it, however that ends. Elsewhere it is a file among the temporary ones, which its owner
/// removes as soon as all have mapped it. Either way only pages that were written take memory.
/// </remarks>
internal sealed unsafe class SharedMapping : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeFileHandle? _anonymous;
    private readonly bool _hasName;

    private SharedMapping(string path, MemoryMappedFile file, long bytes, SafeFileHandle? anonymous, bool hasName)
    {
        Path = path;
        Bytes = bytes;
        _file = file;
        _anonymous = anonymous;
        _hasName = hasName;
        _view = file.CreateViewAccessor(0, bytes);
        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        Address = address;
    }

    /// <summary>Where others find it while its owner lives and has not called <see cref="RemoveName"/>.</summary>
    public string Path { get; }

    /// <summary>The first byte in this process; aligned to pages.</summary>
    public byte* Address { get; }

    /// <summary>The size.</summary>
    public long Bytes { get; }

    /// <summary>Makes zeroed memory of a size.</summary>
    /// <exception cref="IOException">The system does not give it.</exception>
    public static SharedMapping Create(string purpose, long bytes)
    {
        if (OperatingSystem.IsLinux() && LinuxMemory.CreateFile($"netzero-{purpose}") is var descriptor and >= 0)
        {
            var handle = new SafeFileHandle(descriptor, ownsHandle: true);
            RandomAccess.SetLength(handle, bytes);
            var file = MemoryMappedFile.CreateFromFile(handle, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
            return new SharedMapping($"/proc/{Environment.ProcessId}/fd/{descriptor}", file, bytes, handle, hasName: false);
        }

        var path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"netzero-{purpose}-{Guid.NewGuid():N}");

        // Windows removes the file with its last handle, also after a crash; it cannot be removed while it is mapped.
        var options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None;
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 1, options);
        stream.SetLength(bytes);
        return new SharedMapping(path, Map(stream, bytes), bytes, anonymous: null, hasName: !OperatingSystem.IsWindows());
    }

    /// <summary>Maps what another process (or this one) has made.</summary>
    /// <exception cref="IOException">It is not there or not this user's.</exception>
    /// <exception cref="UnauthorizedAccessException">It is not this user's.</exception>
    public static SharedMapping Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 1);
        return new SharedMapping(path, Map(stream, stream.Length), stream.Length, anonymous: null, hasName: false);
    }

    /// <summary>All have mapped it: nobody needs its name any more.</summary>
    public void RemoveName()
    {
        if (_hasName)
            File.Delete(Path);
    }

    public void Dispose()
    {
        RemoveName();
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        _anonymous?.Dispose();
    }

    private static MemoryMappedFile Map(FileStream stream, long bytes) =>
        MemoryMappedFile.CreateFromFile(stream, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
}
