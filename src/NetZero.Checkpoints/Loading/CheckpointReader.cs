using System.Buffers;

namespace NetZero.Checkpoints;

/// <summary>Reads any range of a checkpoint's tensors, verifying every block that it touches. Opens files when they are first needed. Safe for use by several threads.</summary>
public sealed class CheckpointReader : IDisposable
{
    private readonly Dictionary<string, VerifiedFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CheckpointTensor> _tensors;
    private long _bytesRead;

    private CheckpointReader(string folder, CheckpointManifest manifest)
    {
        Folder = folder;
        Manifest = manifest;
        _tensors = manifest.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>The checkpoint's folder.</summary>
    public string Folder { get; }

    /// <summary>What it says about itself.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>Bytes of tensors read so far, whole blocks included of which only a part was asked for.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Opens a checkpoint: checks its manifest, and that there are the files that it names and no others.</summary>
    /// <exception cref="CheckpointException">Something is wrong; named.</exception>
    public static CheckpointReader Open(string folder)
    {
        var manifest = ManifestFile.Read(folder);
        CheckFiles(folder, manifest);
        return new CheckpointReader(folder, manifest);
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public CheckpointTensor Find(string name) => _tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new CheckpointException(Folder, $"has no tensor {CheckpointFormatException.Quote(name)}: it is of another model or another optimizer") { IsDamage = false };

    /// <summary>Reads elements <paramref name="first"/> and following, in row-major order, as they are stored: little-endian.</summary>
    /// <param name="tensor">A tensor of the manifest.</param>
    /// <param name="first">The first element.</param>
    /// <param name="destination">As many bytes as the elements have.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor, or not of whole elements.</exception>
    /// <exception cref="CheckpointException">A block is not what was saved: file, tensor and elements are named.</exception>
    public void Read(CheckpointTensor tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var width = tensor.ElementBytes();
        if (first < 0 || destination.Length % width != 0 || first > tensor.Elements() - (destination.Length / width))
            throw new ArgumentOutOfRangeException(nameof(first), $"{destination.Length} bytes from element {first} of '{tensor.Name}', which has {tensor.Elements()} elements of {width}.");
        foreach (var part in BlockPart.Of(tensor, first, destination.Length / width))
            Read(part, destination.Slice((int)part.Offset, part.Count));
    }

    /// <summary>Reads one block and keeps a part of it. Whole blocks go straight to where they belong; of others, the part is copied.</summary>
    /// <exception cref="CheckpointException">The block is not what was saved.</exception>
    internal void Read(in BlockPart part, Span<byte> destination)
    {
        if (part.Count == part.BlockBytes)
        {
            ReadBlock(part, destination);
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent(part.BlockBytes);
        try
        {
            var whole = rented.AsSpan(0, part.BlockBytes);
            ReadBlock(part, whole);
            whole.Slice(part.Skip, part.Count).CopyTo(destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Where a block begins in its file.</summary>
    /// <exception cref="CheckpointException">The file has no such piece.</exception>
    internal long OffsetOf(in BlockPart part) => OpenFile(part.Piece.File).OffsetOf(part.Tensor, part.Piece) + (part.Block * BlockChecksums.BlockBytes);

    /// <summary>Reads everything and throws it away; what is damaged is given to <paramref name="onDamage"/>, a line each.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Verify(Action<string> onDamage, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(onDamage);
        foreach (var file in Manifest.Files)
            Report(onDamage, () => OpenFile(file.Name));
        foreach (var tensor in Manifest.Tensors)
            foreach (var piece in tensor.Pieces)
            {
                cancellation.ThrowIfCancellationRequested();
                Report(onDamage, () => Verify(tensor, piece));
            }
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }

    private static void Report(Action<string> onDamage, Action check)
    {
        try
        {
            check();
        }
        catch (CheckpointException e)
        {
            onDamage(e.Message);
        }
    }

    private static void CheckFiles(string folder, CheckpointManifest manifest)
    {
        foreach (var file in manifest.Files)
        {
            var info = new FileInfo(Path.Combine(folder, file.Name));
            if (!info.Exists)
                throw new CheckpointException(folder, $"the file {file.Name} is missing");
            if (info.Length != file.Bytes)
                throw new CheckpointException(info.FullName, $"has {info.Length} bytes, expected {file.Bytes}");
        }

        var known = manifest.Files.Select(f => f.Name).Append(CheckpointManifest.FileName).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFileSystemEntries(folder))
            if (!known.Contains(Path.GetFileName(path)))
                throw new CheckpointException(folder, $"holds {Path.GetFileName(path)}, which does not belong to it");
    }

    private void Verify(CheckpointTensor tensor, CheckpointPiece piece)
    {
        var block = new byte[Math.Min(BlockChecksums.BlockBytes, piece.Elements * tensor.ElementBytes())];
        foreach (var part in BlockPart.Of(tensor, piece.First, piece.Elements))
            Read(part, block.AsSpan(0, part.Count));
    }

    private void ReadBlock(in BlockPart part, Span<byte> destination)
    {
        var (tensor, piece) = (part.Tensor, part.Piece);
        var file = OpenFile(piece.File);
        var start = part.Block * BlockChecksums.BlockBytes;
        file.Read(tensor, piece, start, destination);
        Interlocked.Add(ref _bytesRead, destination.Length);
        BlockChecksums.TryParse(piece.Crc32c.AsSpan((int)part.Block * 8, 8), out var expected);
        var found = Crc32C.Of(destination);
        if (found == expected)
            return;
        var first = piece.First + (start / tensor.ElementBytes());
        throw new CheckpointException(
            file.Path,
            $"tensor {CheckpointFormatException.Quote(tensor.Name)}, elements {first} to {first + (destination.Length / tensor.ElementBytes())}: "
            + $"checksum {BlockChecksums.Show(found)}, expected {BlockChecksums.Show(expected)}; these bytes are not those that were saved");
    }

    private VerifiedFile OpenFile(string name)
    {
        lock (_files)
        {
            if (!_files.TryGetValue(name, out var open))
                _files[name] = open = VerifiedFile.Open(Folder, Manifest.Files.First(f => f.Name == name));
            return open;
        }
    }
}
