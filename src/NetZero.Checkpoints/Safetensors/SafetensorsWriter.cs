using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace NetZero.Checkpoints;

/// <summary>
/// Writes a safetensors file piece by piece, in any order and from any thread, so that a model never needs to lie in one buffer and ranks
/// can write their own ranges. The file appears under its name when it is complete, never before.
/// </summary>
/// <remarks>
/// The bytes depend on the tensors alone: they lie sorted by width (widest first, which aligns each) and name, as the reference
/// implementation sorts them, and the metadata is <c>{"format": "pt"}</c>, which Hugging Face's loaders ask for.
/// </remarks>
public sealed class SafetensorsWriter : IDisposable
{
    // The widest element: tensors lie sorted by width, so that where the first is aligned all are.
    private const int WordBytes = 8;

    private readonly Dictionary<string, (SafetensorsTensor Tensor, WrittenRanges Written)> _tensors;
    private readonly string _temporary;
    private readonly SafeFileHandle _handle;
    private bool _committed;

    private SafetensorsWriter(string path, List<SafetensorsTensor> tensors, ReadOnlySpan<byte> header)
    {
        Path = path;
        HeaderBytes = header.Length;
        HeaderChecksum = Crc32C.Of(header);
        FileBytes = header.Length + tensors.Sum(tensor => tensor.LengthBytes);
        _temporary = path + ".tmp";
        _tensors = tensors.ToDictionary(tensor => tensor.Name, tensor => (tensor, new WrittenRanges()), StringComparer.Ordinal);

        // The whole length is asked for at once, so that a full disk is an error before the first byte.
        _handle = File.OpenHandle(_temporary, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, FileBytes);
        try
        {
            RandomAccess.Write(_handle, header, 0);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The path that the file will have.</summary>
    public string Path { get; }

    /// <summary>Bytes before the first tensor.</summary>
    internal int HeaderBytes { get; }

    /// <summary>Their CRC-32C.</summary>
    internal uint HeaderChecksum { get; }

    /// <summary>Bytes of the whole file.</summary>
    internal long FileBytes { get; }

    /// <summary>Begins the file <paramref name="path"/>, under a temporary name beside it, and writes its header.</summary>
    /// <exception cref="ArgumentException">A name twice or reserved, a negative size, or elements that do not fill whole bytes.</exception>
    /// <exception cref="IOException">The file cannot be created, or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static SafetensorsWriter Create(string path, IEnumerable<SafetensorsSpec> tensors) => Create(path, tensors, WordBytes);

    /// <summary>The same with a first tensor that begins at a multiple of <paramref name="alignment"/>, itself a multiple of 8.</summary>
    internal static SafetensorsWriter Create(string path, IEnumerable<SafetensorsSpec> tensors, int alignment)
    {
        var sorted = Sort(tensors);
        var header = WriteHeader(sorted, alignment);
        var placed = new List<SafetensorsTensor>(sorted.Count);
        long offset = header.Length;
        foreach (var spec in sorted)
        {
            placed.Add(new SafetensorsTensor(spec.Name, spec.DType, [.. spec.Shape], offset, LengthBytes(spec)));
            offset += placed[^1].LengthBytes;
        }
        return new SafetensorsWriter(path, placed, header);
    }

    /// <summary>Writes elements <paramref name="start"/> and following of an F32 tensor.</summary>
    /// <exception cref="ArgumentException">No such tensor, not F32, or a range outside it.</exception>
    /// <exception cref="InvalidOperationException">An element that was written before.</exception>
    public void Write(string name, long start, ReadOnlySpan<float> values)
    {
        if (_tensors.TryGetValue(name, out var entry) && entry.Tensor.DType != SafetensorsDType.F32)
            throw new ArgumentException($"Tensor '{name}' has dtype {entry.Tensor.DType.Name()}, found F32 elements.", nameof(name));
        WriteBytes(name, checked(start * sizeof(float)), MemoryMarshal.AsBytes(values));
    }

    /// <summary>Writes bytes of a tensor as they are to be stored, little-endian.</summary>
    /// <exception cref="ArgumentException">No such tensor, or a range outside it.</exception>
    /// <exception cref="InvalidOperationException">A byte that was written before.</exception>
    public void WriteBytes(string name, long startBytes, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, Claim(name, startBytes, bytes.Length));

    /// <summary>A way to write fast what comes in the order of the file, from one thread; what it still holds is written by its <see cref="StagedFile.Flush"/>.</summary>
    internal StagedFile Stage() => new(_handle);

    /// <summary>A way to write past the system's cache what lies in memory as it is to lie in the file, from one thread.</summary>
    internal UncachedFile Uncached() => new(_handle);

    /// <summary>Where a tensor begins in the file.</summary>
    internal long OffsetOf(string name) => _tensors[name].Tensor.OffsetBytes;

    /// <summary>Takes note that bytes of a tensor are written by whoever asks.</summary>
    /// <returns>Where they belong in the file.</returns>
    /// <exception cref="ArgumentException">No such tensor, or a range outside it.</exception>
    /// <exception cref="InvalidOperationException">A byte that was written before.</exception>
    internal long Claim(string name, long startBytes, int length)
    {
        if (!_tensors.TryGetValue(name, out var entry))
            throw new ArgumentException($"There is no tensor '{name}' in {Path}.", nameof(name));
        var (tensor, written) = entry;
        if (startBytes < 0 || startBytes > tensor.LengthBytes - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(startBytes), $"Bytes {startBytes} to {startBytes + length} of tensor '{name}', which has {tensor.LengthBytes}.");
        }
        lock (written)
        {
            if (!written.TryAdd(startBytes, startBytes + length))
                throw new InvalidOperationException($"Bytes {startBytes} to {startBytes + length} of tensor '{name}' were written before.");
        }
        return tensor.OffsetBytes + startBytes;
    }

    /// <summary>Checks that every element was written, flushes to the disk and gives the file its name.</summary>
    /// <exception cref="InvalidOperationException">Elements are missing; the first missing range is named.</exception>
    public void Commit()
    {
        foreach (var (tensor, written) in _tensors.Values)
        {
            if (written.FirstGap(tensor.LengthBytes) is { } gap)
            {
                throw new InvalidOperationException(
                    $"Cannot complete {Path}: bytes {gap.Start} to {gap.End} of tensor '{tensor.Name}' were never written.");
            }
        }
        RandomAccess.FlushToDisk(_handle);
        _handle.Dispose();
        File.Move(_temporary, Path, overwrite: true);
        _committed = true;
    }

    /// <summary>Closes the file; without <see cref="Commit"/> before, nothing of it stays.</summary>
    public void Dispose()
    {
        _handle.Dispose();
        if (!_committed)
            File.Delete(_temporary);
    }

    private static long LengthBytes(SafetensorsSpec spec)
    {
        var bits = (long)spec.DType.Bits();
        foreach (var size in spec.Shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size);
            bits = checked(bits * size);
        }
        return bits % 8 == 0
            ? bits / 8
            : throw new ArgumentException($"Tensor '{spec.Name}' of {spec.DType.Name()} does not fill whole bytes.");
    }

    /// <summary>Bytes before the first tensor of a file of these, which begins at a multiple of <paramref name="alignment"/>.</summary>
    internal static int HeaderBytesOf(IEnumerable<SafetensorsSpec> tensors, int alignment) => WriteHeader(Sort(tensors), alignment).Length;

    private static List<SafetensorsSpec> Sort(IEnumerable<SafetensorsSpec> tensors) =>
        [.. tensors.OrderByDescending(spec => spec.DType.Bits()).ThenBy(spec => spec.Name, StringComparer.Ordinal)];

    private static byte[] WriteHeader(List<SafetensorsSpec> sorted, int alignment)
    {
        var json = new ArrayBufferWriter<byte>();

        // Names are written as they are, not as \u escapes: that is what the reference implementation writes.
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(SafetensorsHeader.MetadataKey);
            writer.WriteString("format", "pt");
            writer.WriteEndObject();
            var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
            long offset = 0;
            foreach (var spec in sorted)
            {
                if (!names.Add(spec.Name))
                    throw new ArgumentException($"The tensor name '{spec.Name}' is given twice or reserved.");
                writer.WriteStartObject(spec.Name);
                writer.WriteString("dtype", spec.DType.Name());
                writer.WriteStartArray("shape");
                foreach (var size in spec.Shape)
                    writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(offset);
                writer.WriteNumberValue(offset = checked(offset + LengthBytes(spec)));
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }

        // Spaces, so that the first tensor is aligned.
        var bytes = (SafetensorsHeader.PrefixBytes + json.WrittenCount + alignment - 1) / alignment * alignment;
        var header = new byte[bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(bytes - SafetensorsHeader.PrefixBytes));
        json.WrittenSpan.CopyTo(header.AsSpan(SafetensorsHeader.PrefixBytes));
        header.AsSpan(SafetensorsHeader.PrefixBytes + json.WrittenCount).Fill((byte)' ');
        return header;
    }
}
