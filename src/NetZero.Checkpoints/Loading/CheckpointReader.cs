using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace NetZero.Checkpoints;

/// <summary>Reads any range of a checkpoint's tensors, verifying every block that it touches. Looks at files when they are first needed. Safe for use by several threads.</summary>
public sealed class CheckpointReader : IDisposable
{
    // Enough to keep a disk and two cores busy, and a connection full.
    private const int RangesAtATime = 4;

    private readonly ICheckpointFiles _files;
    private readonly Dictionary<string, VerifiedFile> _verified = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CheckpointTensor> _tensors;
    private long _bytesRead;

    private CheckpointReader(ICheckpointFiles files, CheckpointManifest manifest, DateTimeOffset saved)
    {
        _files = files;
        Manifest = manifest;
        Saved = saved;
        _tensors = manifest.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>What messages call the checkpoint: its folder, or its place in a store.</summary>
    public string Path => _files.Path;

    /// <summary>When it was completed.</summary>
    public DateTimeOffset Saved { get; }

    /// <summary>What it says about itself.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>Bytes of tensors read so far, whole blocks included of which only a part was asked for.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Opens a checkpoint in a folder: checks its manifest, and that there are the files that it names and no others.</summary>
    /// <exception cref="CheckpointException">Something is wrong; named.</exception>
    public static CheckpointReader Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Open(new FolderFiles(folder));
    }

    /// <summary>The same of a checkpoint anywhere.</summary>
    /// <param name="files">Its files, which the reader disposes, and which are disposed where this throws.</param>
    /// <exception cref="CheckpointException">Something is wrong; named.</exception>
    public static CheckpointReader Open(ICheckpointFiles files)
    {
        ArgumentNullException.ThrowIfNull(files);
        try
        {
            var there = ManifestFile.List(files);
            var manifest = ManifestFile.Read(files, there);
            CheckFiles(files, there, manifest);
            return new CheckpointReader(files, manifest, there[CheckpointManifest.FileName].Written);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public CheckpointTensor Find(string name) => _tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new CheckpointException(Path, $"has no tensor {CheckpointFormatException.Quote(name)}: it is of another model or another optimizer") { IsDamage = false };

    /// <summary>Reads elements <paramref name="first"/> and following, in row-major order, as they are stored: little-endian.</summary>
    /// <param name="tensor">A tensor of the manifest.</param>
    /// <param name="first">The first element.</param>
    /// <param name="destination">As many bytes as the elements have.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor, or not of whole elements.</exception>
    /// <exception cref="CheckpointException">A block is not what was saved: file, tensor and elements are named.</exception>
    public unsafe void Read(CheckpointTensor tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var width = tensor.ElementBytes();
        if (first < 0 || destination.Length % width != 0 || first > tensor.Elements() - (destination.Length / width))
            throw new ArgumentOutOfRangeException(nameof(first), $"{destination.Length} bytes from element {first} of '{tensor.Name}', which has {tensor.Elements()} elements of {width}.");
        fixed (byte* start = destination)
        {
            var at = (nint)start;
            foreach (var range in PlacedPart.Ranges(
                BlockPart.Of(tensor, first, destination.Length / width).Select(part => new PlacedPart(part, at + (nint)part.Offset)), OffsetOf, _files.RangeBytes))
            {
                ReadRange(range.Start, range.Parts, (_, damage) => throw damage);
            }
        }
    }

    /// <summary>Reads elements of a floating-point type, widened to singles.</summary>
    /// <param name="tensor">A tensor of the manifest, of F32, BF16 or F16.</param>
    /// <param name="first">The first element.</param>
    /// <param name="destination">Receives as many elements as it has room for.</param>
    /// <exception cref="CheckpointException">A block is not what was saved.</exception>
    internal void ReadAsSingle(CheckpointTensor tensor, long first, Span<float> destination)
    {
        if (tensor.ElementType() == SafetensorsDType.F32)
        {
            Read(tensor, first, MemoryMarshal.AsBytes(destination));
            return;
        }

        var stored = new byte[destination.Length * tensor.ElementBytes()];
        Read(tensor, first, stored);
        Elements.Widen(tensor.ElementType(), stored, destination);
    }

    /// <summary>Reads parts of blocks to where they belong: in the order of the files and several ranges at a time, so that while one is verified the next are on their way.</summary>
    /// <exception cref="CheckpointException">The first block that is not what was saved.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal void Read(IEnumerable<PlacedPart> parts, CancellationToken cancellation = default) =>
        Read(parts, (_, damage) => throw damage, cancellation);

    /// <summary>Reads everything and throws it away; what is damaged is given to <paramref name="onDamage"/>, a line each, in the order of the files.</summary>
    /// <exception cref="CheckpointException">The store does not answer, or refuses.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Verify(Action<string> onDamage, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(onDamage);
        var sound = new List<PlacedPart>();
        var damage = new ConcurrentBag<(string File, long Start, string Line)>();
        foreach (var file in Manifest.Files)
            Report(() => OpenFile(file.Name), file.Name);
        foreach (var tensor in Manifest.Tensors)
            foreach (var piece in tensor.Pieces)
                Report(() =>
                {
                    OpenFile(piece.File).OffsetOf(tensor, piece);
                    sound.AddRange(BlockPart.Of(tensor, piece.First, piece.Elements).Select(part => new PlacedPart(part, 0)));
                }, piece.File);
        Read(sound, (part, e) => damage.Add((part.Piece.File, OffsetOf(part), e.Message)), cancellation);
        foreach (var line in damage.OrderBy(d => d.File, StringComparer.Ordinal).ThenBy(d => d.Start).Select(d => d.Line).Distinct(StringComparer.Ordinal))
            onDamage(line);

        void Report(Action check, string file)
        {
            try
            {
                check();
            }
            catch (CheckpointException e) when (e.IsDamage)
            {
                damage.Add((file, -1, e.Message));
            }
        }
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _files.Dispose();

    private static void CheckFiles(ICheckpointFiles files, IReadOnlyDictionary<string, CheckpointFileEntry> there, CheckpointManifest manifest)
    {
        foreach (var file in manifest.Files)
        {
            if (!there.TryGetValue(file.Name, out var found) || found.Bytes < 0)
                throw new CheckpointException(files.Path, $"the file {file.Name} is missing");
            if (found.Bytes != file.Bytes)
                throw new CheckpointException(files.PathOf(file.Name), $"has {found.Bytes} bytes, expected {file.Bytes}");
        }

        var known = manifest.Files.Select(f => f.Name).Append(CheckpointManifest.FileName).ToHashSet(StringComparer.Ordinal);
        if (there.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } extra)
            throw new CheckpointException(files.Path, $"holds {extra}, which does not belong to it");
    }

    private void Read(IEnumerable<PlacedPart> parts, Action<BlockPart, CheckpointException> onDamage, CancellationToken cancellation)
    {
        try
        {
            Parallel.ForEach(
                Partitioner.Create(PlacedPart.Ranges(parts, OffsetOf, _files.RangeBytes), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = RangesAtATime, CancellationToken = cancellation },
                range => ReadRange(range.Start, range.Parts, onDamage));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<CheckpointException>().FirstOrDefault() is { } damage)
        {
            throw damage;
        }
    }

    // A whole block goes straight to where it belongs; otherwise the range is read beside, and its parts are copied.
    private unsafe void ReadRange(long start, List<PlacedPart> parts, Action<BlockPart, CheckpointException> onDamage)
    {
        if (parts is [{ Destination: not 0, Part: { } only } single] && only.Count == only.BlockBytes)
        {
            var whole = new Span<byte>((void*)single.Destination, only.Count);
            if (Attempt(only, start, whole, onDamage))
                CheckBlock(only, whole, onDamage);
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent(parts.Sum(p => p.Part.BlockBytes));
        try
        {
            var range = rented.AsSpan(0, parts.Sum(p => p.Part.BlockBytes));
            if (!Attempt(parts[0].Part, start, range, onDamage))
                return;
            foreach (var (part, destination) in parts)
            {
                var block = range[..part.BlockBytes];
                range = range[part.BlockBytes..];
                if (CheckBlock(part, block, onDamage) && destination != 0)
                    block.Slice(part.Skip, part.Count).CopyTo(new Span<byte>((void*)destination, part.Count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private bool Attempt(in BlockPart part, long start, Span<byte> destination, Action<BlockPart, CheckpointException> onDamage)
    {
        try
        {
            _files.Read(part.Piece.File, start, destination);
            Interlocked.Add(ref _bytesRead, destination.Length);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            onDamage(part, CheckpointException.Unreadable(_files.PathOf(part.Piece.File), e));
            return false;
        }
    }

    private bool CheckBlock(in BlockPart part, ReadOnlySpan<byte> block, Action<BlockPart, CheckpointException> onDamage)
    {
        var (tensor, piece) = (part.Tensor, part.Piece);
        BlockChecksums.TryParse(piece.Crc32c.AsSpan((int)part.Block * 8, 8), out var expected);
        var found = Crc32C.Of(block);
        if (found == expected)
            return true;
        var first = piece.First + (part.Block * BlockChecksums.BlockBytes / tensor.ElementBytes());
        onDamage(part, new CheckpointException(
            _files.PathOf(piece.File),
            $"tensor {CheckpointFormatException.Quote(tensor.Name)}, elements {first} to {first + (block.Length / tensor.ElementBytes())}: "
            + $"checksum {BlockChecksums.Show(found)}, expected {BlockChecksums.Show(expected)}; these bytes are not those that were saved"));
        return false;
    }

    private long OffsetOf(BlockPart part) => OpenFile(part.Piece.File).OffsetOf(part.Tensor, part.Piece) + (part.Block * BlockChecksums.BlockBytes);

    private VerifiedFile OpenFile(string name)
    {
        lock (_verified)
        {
            if (!_verified.TryGetValue(name, out var open))
                _verified[name] = open = VerifiedFile.Open(_files, Manifest.Files.First(f => f.Name == name));
            return open;
        }
    }
}
