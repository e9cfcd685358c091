using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NetZero.Checkpoints;

/// <summary>
/// A safetensors file opened for reading: its header is read and checked at once, elements are read from any range when asked for, so a
/// rank reads the bytes of its shard and no others.
/// </summary>
/// <remarks>Safe for use by several threads. Format: https://github.com/huggingface/safetensors, "Format".</remarks>
public sealed class SafetensorsFile : IDisposable
{
    // Elements converted at once: 32 KiB of 2-byte source, which stays in the first-level cache.
    private const int ElementsPerPiece = 16 * 1024;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, SafetensorsTensor> _byName;
    private long _bytesRead;

    private SafetensorsFile(string path, SafeFileHandle handle, SafetensorsHeader header, long headerBytes)
    {
        Path = path;
        _handle = handle;
        HeaderBytes = headerBytes;
        Tensors = header.Tensors;
        Metadata = header.Metadata;
        _byName = header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The path it was opened with.</summary>
    public string Path { get; }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The strings under <c>__metadata__</c>; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Bytes before the first tensor.</summary>
    public long HeaderBytes { get; }

    /// <summary>Bytes of tensors read so far, from all threads; the header is not counted.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <exception cref="CheckpointFormatException">The file cannot be read, or is not a sound safetensors file.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            return OpenReadable(path);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not (FileNotFoundException or DirectoryNotFoundException)))
        {
            throw new CheckpointFormatException(path, $"cannot be read: {e.Message}", e);
        }
    }

    private static SafetensorsFile OpenReadable(string path)
    {
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.SequentialScan);
        try
        {
            var fileBytes = RandomAccess.GetLength(handle);
            var prefix = new byte[Math.Min(SafetensorsHeader.PrefixBytes, fileBytes)];
            ReadExactly(path, handle, prefix, 0);
            var json = new byte[SafetensorsHeader.ReadLength(path, prefix, fileBytes)];
            ReadExactly(path, handle, json, SafetensorsHeader.PrefixBytes);
            var header = SafetensorsHeader.Parse(path, json, fileBytes);
            return new SafetensorsFile(path, handle, header, SafetensorsHeader.PrefixBytes + json.Length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="CheckpointFormatException">The file has no such tensor.</exception>
    public SafetensorsTensor Find(string name) =>
        _byName.TryGetValue(name, out var tensor)
            ? tensor
            : throw new CheckpointFormatException(Path, name, $"is missing; the file has {Tensors.Count} others");

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Reads elements <paramref name="start"/> and following, in row-major order, as singles. F32, BF16 and F16 tensors only.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="start">The first element.</param>
    /// <param name="destination">As many elements as to read.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="CheckpointFormatException">No such tensor, a dtype that has no conversion, or a file cut short since it was opened.</exception>
    public void Read(string name, long start, Span<float> destination)
    {
        var tensor = Find(name);
        if (!Elements.CanReadAsSingle(tensor.DType))
            throw new CheckpointFormatException(Path, name, $"has dtype {tensor.DType.Name()}, expected F32, BF16 or F16");
        if (start < 0 || start > tensor.ElementCount - destination.Length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start),
                $"Elements {start} to {start + destination.Length} of tensor {CheckpointFormatException.Quote(name)} were asked for, it has {tensor.ElementCount}.");
        }

        if (tensor.DType == SafetensorsDType.F32)
        {
            ReadAt(MemoryMarshal.AsBytes(destination), tensor.OffsetBytes + start * sizeof(float));
            return;
        }

        Span<byte> narrow = stackalloc byte[2 * Math.Min(ElementsPerPiece, destination.Length)];
        while (!destination.IsEmpty)
        {
            var count = Math.Min(ElementsPerPiece, destination.Length);
            ReadAt(narrow[..(2 * count)], tensor.OffsetBytes + 2 * start);
            Elements.Widen(tensor.DType, narrow[..(2 * count)], destination[..count]);
            start += count;
            destination = destination[count..];
        }
    }

    /// <summary>Reads bytes of a tensor as they are stored, little-endian.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="startBytes">The first byte, from the start of the tensor.</param>
    /// <param name="destination">As many bytes as to read.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="CheckpointFormatException">No such tensor, or a file cut short since it was opened.</exception>
    public void ReadBytes(string name, long startBytes, Span<byte> destination)
    {
        var tensor = Find(name);
        if (startBytes < 0 || startBytes > tensor.LengthBytes - destination.Length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(startBytes),
                $"Bytes {startBytes} to {startBytes + destination.Length} of tensor {CheckpointFormatException.Quote(name)} were asked for, it has {tensor.LengthBytes}.");
        }
        ReadAt(destination, tensor.OffsetBytes + startBytes);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    private void ReadAt(Span<byte> destination, long offset)
    {
        ReadExactly(Path, _handle, destination, offset);
        Interlocked.Add(ref _bytesRead, destination.Length);
    }

    private static void ReadExactly(string path, SafeFileHandle handle, Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
                throw new CheckpointFormatException(path, $"ended at byte {offset} while it was read: the file was cut short since it was opened");
            offset += read;
            destination = destination[read..];
        }
    }
}
