using Microsoft.Win32.SafeHandles;

namespace NetZero.Checkpoints;

/// <summary>Collects what is written in order and hands it to the system in large pieces that begin and end at multiples of their size.</summary>
/// <remarks>
/// Tensors begin anywhere. The system keeps files in pages, and writes that cut pages cost it several times as much as whole ones; with whole ones it can also begin to write to the disk
/// at once, while the next piece is collected, so that little is left to do when the file is flushed.
/// </remarks>
internal sealed class StagedFile
{
    // Large enough that a call costs nothing, small enough to stay in a core's share of the cache with the block that is copied into it.
    private const int PieceBytes = 4 << 20;

    private readonly SafeFileHandle _handle;

    // Not before something is written: a save whose copies hold all writes nothing here.
    private byte[] _piece = [];
    private long _start;
    private int _count;

    /// <param name="handle">The file; the caller closes it.</param>
    public StagedFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>Writes bytes; where they do not follow those before, what was collected is handed over first.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset != _start + _count)
        {
            Flush();
            _start = offset;
        }

        if (_piece.Length == 0)
            _piece = GC.AllocateUninitializedArray<byte>(PieceBytes);
        while (!bytes.IsEmpty)
        {
            // A first piece that begins in between is shorter, so that those after it do not.
            var room = (int)(PieceBytes - (_start % PieceBytes)) - _count;
            var part = bytes[..Math.Min(room, bytes.Length)];
            part.CopyTo(_piece.AsSpan(_count));
            _count += part.Length;
            bytes = bytes[part.Length..];
            if (part.Length == room)
                Flush();
        }
    }

    /// <summary>Hands over what was collected.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Flush()
    {
        if (_count == 0)
            return;
        RandomAccess.Write(_handle, _piece.AsSpan(0, _count), _start);
        LinuxFile.BeginToWrite(_handle, _start, _count);
        _start += _count;
        _count = 0;
    }
}
