using System.Buffers.Binary;
using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>
/// The header of a safetensors file, read and checked: 8 bytes of length (little-endian), then that many bytes of JSON which say
/// for each name <c>{"dtype", "shape", "data_offsets": [begin, end]}</c>, offsets counted from the header's end.
/// </summary>
/// <remarks>
/// Nothing in a file is trusted. Lengths are compared with the file's before anything of their size is allocated, and after
/// <see cref="Parse"/> the tensors lie side by side between the header and the file's end, with no overlap, hole or rest.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The bytes before the JSON: its length.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The key beside the tensors' names, under which a map of strings may stand.</summary>
    public const string MetadataKey = "__metadata__";

    // The limit of the reference implementation, which keeps a damaged length from costing gigabytes.
    public const long LongestBytes = 100_000_000;

    private SafetensorsHeader(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The length of the JSON, from the first 8 bytes of a file.</summary>
    /// <exception cref="CheckpointFormatException">A length that the file cannot hold, or above the limit.</exception>
    public static int ReadLength(string file, ReadOnlySpan<byte> prefix, long fileBytes)
    {
        if (prefix.Length < PrefixBytes)
            throw new CheckpointFormatException(file, $"not a safetensors file: {fileBytes} bytes, expected at least {PrefixBytes}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LongestBytes)
            throw new CheckpointFormatException(file, $"header length {length} is above the format's limit of {LongestBytes} bytes");
        if ((long)length > fileBytes - PrefixBytes)
        {
            throw new CheckpointFormatException(
                file, $"truncated in the header: its length is {length} bytes, the file has {fileBytes - PrefixBytes} after the first 8");
        }
        return (int)length;
    }

    /// <summary>Reads and checks the JSON of a header.</summary>
    /// <exception cref="CheckpointFormatException">Whatever is wrong with it.</exception>
    public static SafetensorsHeader Parse(string file, ReadOnlySpan<byte> json, long fileBytes)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new CheckpointFormatException(file, "the header does not begin with '{'");
        var parser = new SafetensorsHeaderParser(file, PrefixBytes + json.Length);
        try
        {
            parser.Parse(json);
        }
        catch (JsonException e)
        {
            throw new CheckpointFormatException(file, $"the header is not valid JSON at byte {PrefixBytes + (e.BytePositionInLine ?? 0)}", e);
        }
        catch (InvalidOperationException e)
        {
            // The JSON reader's answer to strings that are no Unicode: bad UTF-8, half a surrogate pair.
            throw new CheckpointFormatException(file, "the header holds a string that is not valid Unicode", e);
        }
        return new SafetensorsHeader(SideBySide(file, parser.Tensors, PrefixBytes + json.Length, fileBytes), parser.Metadata);
    }

    // Sorted by position, each tensor begins where the one before ends, and the last ends with the file.
    private static List<SafetensorsTensor> SideBySide(string file, List<SafetensorsTensor> tensors, long dataStart, long fileBytes)
    {
        tensors.Sort((a, b) =>
            (a.OffsetBytes, a.LengthBytes).CompareTo((b.OffsetBytes, b.LengthBytes)) is var order and not 0
                ? order
                : string.CompareOrdinal(a.Name, b.Name));
        var end = dataStart;
        SafetensorsTensor? previous = null;
        foreach (var tensor in tensors)
        {
            // The length first: that a file is cut short explains more than what follows from it.
            if (tensor.LengthBytes > fileBytes - tensor.OffsetBytes)
            {
                throw new CheckpointFormatException(
                    file,
                    tensor.Name,
                    $"ends at byte {(Int128)tensor.OffsetBytes + tensor.LengthBytes} of the file, which has {fileBytes}: the file is truncated");
            }
            if (tensor.OffsetBytes < end)
            {
                throw new CheckpointFormatException(
                    file,
                    tensor.Name,
                    $"begins at byte {tensor.OffsetBytes} of the file and overlaps tensor {CheckpointFormatException.Quote(previous!.Name)}, "
                    + $"which ends at {end}");
            }
            if (tensor.OffsetBytes > end)
            {
                throw new CheckpointFormatException(
                    file, tensor.Name, $"begins at byte {tensor.OffsetBytes} of the file, expected {end}: no tensor owns the bytes between");
            }
            end = tensor.OffsetBytes + tensor.LengthBytes;
            previous = tensor;
        }
        if (end != fileBytes)
            throw new CheckpointFormatException(file, $"the tensors end at byte {end}, the file at {fileBytes}: no tensor owns the rest");
        return tensors;
    }
}
