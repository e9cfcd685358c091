using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NetZero.Checkpoints;

/// <summary>Writes large pieces of memory past the system's cache, so that the disk fetches them and the processors compute on
/// meanwhile.</summary>
/// <remarks>
/// Through the cache every byte is copied once more, which takes as much time of a processor as the copies that an asynchronous save
/// makes. Past it, memory and file must be cut at pages:
/// what is not goes through the cache, as does everything where the system or the file system knows no other way.
/// </remarks>
internal sealed class UncachedFile
{
    /// <summary>What memory, places in the file and lengths must be multiples of to go past the cache: as much as any disk's blocks
    /// have.</summary>
    public const int PageBytes = 4096;

    private readonly SafeFileHandle _handle;
    private bool _isDirect;
    private bool _isRefused;

    /// <param name="handle">The file; the caller closes it.</param>
    public UncachedFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>Bytes that went past the cache so far.</summary>
    public long DirectBytes { get; private set; }

    /// <summary>Writes bytes, of memory that does not move.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        var whole = TryWriteDirect(offset, bytes[..(bytes.Length & -PageBytes)]);
        bytes = bytes[whole..];
        offset += whole;
        if (bytes.IsEmpty)
            return;
        Switch(direct: false);
        RandomAccess.Write(_handle, bytes, offset);
        LinuxFile.BeginToWrite(_handle, offset, bytes.Length);
    }

    /// <summary>Lets others write to the file again: what they write need not be cut at pages.</summary>
    public void End() => Switch(direct: false);

    private unsafe int TryWriteDirect(long offset, ReadOnlySpan<byte> bytes)
    {
        var address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
        if (_isRefused || bytes.IsEmpty || ((address | (nint)offset) & (PageBytes - 1)) != 0 || !Switch(direct: true))
            return 0;
        try
        {
            RandomAccess.Write(_handle, bytes, offset);
        }
        catch (IOException)
        {
            // File systems may say it only now. Whatever else was wrong is met again on the plain way.
            _isRefused = true;
            return 0;
        }

        DirectBytes += bytes.Length;
        return bytes.Length;
    }

    private bool Switch(bool direct)
    {
        if (_isDirect != direct && LinuxFile.TrySetDirect(_handle, direct))
            _isDirect = direct;
        _isRefused |= direct && !_isDirect;
        return _isDirect == direct;
    }
}
