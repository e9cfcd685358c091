namespace NetZero.Checkpoints;

/// <summary>One safetensors file of a checkpoint, opened after its header was found to be the one that was saved.</summary>
internal sealed class VerifiedFile : IDisposable
{
    private readonly SafetensorsFile _file;

    private VerifiedFile(SafetensorsFile file) => _file = file;

    public string Path => _file.Path;

    /// <exception cref="CheckpointException">The file cannot be read, or its header is not the one that was saved.</exception>
    public static VerifiedFile Open(string folder, CheckpointFile expected)
    {
        var path = System.IO.Path.Combine(folder, expected.Name);
        try
        {
            CheckHeader(path, expected);
            return new VerifiedFile(SafetensorsFile.Open(path));
        }
        catch (CheckpointFormatException e)
        {
            throw new CheckpointException(path, e.Message[(path.Length + 2)..], e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Where a piece begins in the file.</summary>
    /// <exception cref="CheckpointException">The file has no such piece.</exception>
    public long OffsetOf(CheckpointTensor tensor, CheckpointPiece piece)
    {
        try
        {
            return Find(tensor, piece).OffsetBytes;
        }
        catch (CheckpointFormatException e)
        {
            throw Wrong(e);
        }
    }

    /// <summary>Reads bytes of a piece.</summary>
    /// <exception cref="CheckpointException">The file has no such piece, or cannot be read.</exception>
    public void Read(CheckpointTensor tensor, CheckpointPiece piece, long startBytes, Span<byte> destination)
    {
        try
        {
            Find(tensor, piece);
            _file.ReadBytes(piece.Key, startBytes, destination);
        }
        catch (CheckpointFormatException e)
        {
            throw Wrong(e);
        }
        catch (IOException e)
        {
            throw new CheckpointException(Path, $"cannot be read: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();

    private SafetensorsTensor Find(CheckpointTensor tensor, CheckpointPiece piece)
    {
        var found = _file.Find(piece.Key);
        return found.DType.Name() == tensor.DType && found.ElementCount == piece.Elements
            ? found
            : throw new CheckpointException(Path, $"tensor {CheckpointFormatException.Quote(piece.Key)} is {found.ElementCount} {found.DType.Name()}, expected {piece.Elements} {tensor.DType}");
    }

    private CheckpointException Wrong(CheckpointFormatException e) => new(Path, e.Message[(Path.Length + 2)..], e);

    // The lengths were compared with the file's before, so that a damaged one costs no memory.
    private static void CheckHeader(string path, CheckpointFile expected)
    {
        using var handle = File.OpenHandle(path);
        if (RandomAccess.GetLength(handle) != expected.Bytes)
            throw new CheckpointException(path, $"has {RandomAccess.GetLength(handle)} bytes, expected {expected.Bytes}");
        var header = new byte[expected.HeaderBytes];
        var read = 0;
        while (read < header.Length && RandomAccess.Read(handle, header.AsSpan(read), read) is var more and > 0)
            read += more;
        var found = BlockChecksums.Show(Crc32C.Of(header.AsSpan(0, read)));
        if (found != expected.HeaderCrc32c)
            throw new CheckpointException(path, $"the header has checksum {found}, expected {expected.HeaderCrc32c}; this is not the file that was saved");
    }
}
