namespace NetZero.Checkpoints;

/// <summary>One safetensors file of a checkpoint, whose header was found to be the one that was saved.</summary>
internal sealed class VerifiedFile
{
    private readonly Dictionary<string, SafetensorsTensor> _tensors;

    private VerifiedFile(string path, SafetensorsHeader header)
    {
        Path = path;
        _tensors = header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>What messages call it.</summary>
    public string Path { get; }

    /// <summary>Reads and checks a file's header.</summary>
    /// <param name="files">The checkpoint, whose listing has this file with the length that the manifest says: so a damaged length costs no memory.</param>
    /// <param name="expected">What the manifest says of it.</param>
    /// <exception cref="CheckpointException">The file cannot be read, or its header is not the one that was saved.</exception>
    public static VerifiedFile Open(ICheckpointFiles files, CheckpointFile expected)
    {
        var path = files.PathOf(expected.Name);
        try
        {
            var header = new byte[expected.HeaderBytes];
            files.Read(expected.Name, 0, header);
            var found = BlockChecksums.Show(Crc32C.Of(header));
            if (found != expected.HeaderCrc32c)
                throw new CheckpointException(path, $"the header has checksum {found}, expected {expected.HeaderCrc32c}; this is not the file that was saved");
            var length = SafetensorsHeader.ReadLength(path, header.AsSpan(0, Math.Min(SafetensorsHeader.PrefixBytes, header.Length)), expected.Bytes);
            if (length != header.Length - SafetensorsHeader.PrefixBytes)
                throw new CheckpointException(path, $"the header has {length} bytes, expected {header.Length - SafetensorsHeader.PrefixBytes}");
            return new VerifiedFile(path, SafetensorsHeader.Parse(path, header.AsSpan(SafetensorsHeader.PrefixBytes), expected.Bytes));
        }
        catch (CheckpointFormatException e)
        {
            throw new CheckpointException(path, e.Message[(path.Length + 2)..], e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.Unreadable(path, e);
        }
    }

    /// <summary>Where a piece begins in the file.</summary>
    /// <exception cref="CheckpointException">The file has no such piece.</exception>
    public long OffsetOf(CheckpointTensor tensor, CheckpointPiece piece)
    {
        if (!_tensors.TryGetValue(piece.Key, out var found))
            throw new CheckpointException(Path, $"there is no tensor {CheckpointFormatException.Quote(piece.Key)}");
        return found.DType.Name() == tensor.DType && found.ElementCount == piece.Elements
            ? found.OffsetBytes
            : throw new CheckpointException(Path, $"tensor {CheckpointFormatException.Quote(piece.Key)} is {found.ElementCount} {found.DType.Name()}, expected {piece.Elements} {tensor.DType}");
    }
}
