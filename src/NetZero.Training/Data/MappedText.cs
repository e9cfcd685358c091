using System.IO.MemoryMappedFiles;

namespace NetZero.Training;

/// <summary>Files read as one long text, without a copy: the system pages in what is touched. Safe for several threads, also while it is closed.</summary>
/// <remarks>Files must not shrink while they are open; the system ends a program that reads mapped memory behind a file's end.</remarks>
public sealed unsafe class MappedText : IDisposable
{
    private readonly MemoryMappedViewAccessor?[] _views;
    private readonly byte*[] _bytes;

    // File i holds bytes _starts[i] .. _starts[i + 1] - 1 of the text.
    private readonly long[] _starts;

    private MappedText(int files)
    {
        _views = new MemoryMappedViewAccessor?[files];
        _bytes = new byte*[files];
        _starts = new long[files + 1];
    }

    /// <summary>Bytes of all files together.</summary>
    public long LengthBytes => _starts[^1];

    /// <summary>Maps files in their order.</summary>
    /// <exception cref="ConfigurationException">A file cannot be opened or is no longer what it was when it was found.</exception>
    public static MappedText Open(IReadOnlyList<TextFile> files)
    {
        var text = new MappedText(files.Count);
        try
        {
            for (var i = 0; i < files.Count; i++)
                text.Map(i, files[i]);
            return text;
        }
        catch (Exception e)
        {
            text.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new ConfigurationException($"text cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Copies bytes that begin at <paramref name="offset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the text.</exception>
    /// <exception cref="ObjectDisposedException">The text was closed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > LengthBytes - destination.Length)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{destination.Length} bytes from there reach beyond {LengthBytes}.");
        if (destination.IsEmpty)
            return;
        var file = Array.BinarySearch(_starts, offset);
        for (file = file < 0 ? ~file - 1 : file; !destination.IsEmpty; file++)
        {
            var count = (int)Math.Min(destination.Length, _starts[file + 1] - offset);
            Copy(file, offset - _starts[file], destination[..count]);
            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Closes all files.</summary>
    public void Dispose()
    {
        for (var i = 0; i < _views.Length; i++)
        {
            if (Interlocked.Exchange(ref _views[i], null) is not { } view)
                continue;
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
        }
    }

    // A rank that a cancelled run has given up may still read when the run closes the text. The reader holds the view while it copies, so that the
    // memory goes after it, and who comes later gets an exception instead of unmapped memory.
    private void Copy(int file, long start, Span<byte> destination)
    {
        var view = Volatile.Read(ref _views[file]);
        ObjectDisposedException.ThrowIf(view is null, this);
        var handle = view.SafeMemoryMappedViewHandle;
        var held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            new ReadOnlySpan<byte>(_bytes[file] + start, destination.Length).CopyTo(destination);
        }
        finally
        {
            if (held)
                handle.DangerousRelease();
        }
    }

    private void Map(int index, TextFile file)
    {
        // The view keeps the mapping alive without the file, so that thousands of files do not hold thousands of handles.
        using var mapped = MemoryMappedFile.CreateFromFile(file.Path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        var view = mapped.CreateViewAccessor(0, file.LengthBytes, MemoryMappedFileAccess.Read);
        _views[index] = view;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _bytes[index] = start + view.PointerOffset;
        _starts[index + 1] = _starts[index] + file.LengthBytes;
    }
}
