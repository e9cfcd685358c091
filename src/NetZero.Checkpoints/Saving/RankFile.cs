using System.Globalization;
using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>Writes one rank's file of a checkpoint, and beside it, when it is complete, what is in it.</summary>
/// <remarks>
/// The parts that ranks leave in the folder are how rank 0 learns what they have written: no collective is needed, so that background threads can write while training
/// goes on, and ranks may be processes. A rank that fails leaves its message instead.
/// </remarks>
internal sealed class RankFile : IDisposable
{
    // As much as one write past the cache takes: the disk is busy with it for milliseconds, and a call costs nothing beside that.
    private const int PieceBytes = 8 << 20;

    private readonly string _folder;
    private readonly int _rank;
    private readonly SafetensorsWriter _writer;
    private readonly StagedFile _stage;
    private readonly IReadOnlyList<StoredRun> _runs;
    private readonly Dictionary<string, char[]> _checksums;

    private RankFile(string folder, int rank, IReadOnlyList<StoredRun> runs)
    {
        _folder = folder;
        _rank = rank;
        _writer = SafetensorsWriter.Create(Path.Combine(folder, Name(rank)), runs.Select(run => run.ToSpec()), UncachedFile.PageBytes);
        _stage = _writer.Stage();
        _runs = [.. runs.OrderBy(run => _writer.OffsetOf(run.Key))];
        _checksums = runs.ToDictionary(run => run.Key, run => new char[BlockChecksums.Count(run.Bytes) * 8], StringComparer.Ordinal);
    }

    /// <summary>Bytes of the file.</summary>
    public long Bytes => _writer.FileBytes;

    /// <summary>Begins the file of a rank.</summary>
    /// <exception cref="IOException">It cannot be made, or the disk is full.</exception>
    public static RankFile Create(string folder, int rank, IReadOnlyList<StoredRun> runs) => new(folder, rank, runs);

    /// <summary>Bytes before the first tensor of a file of these.</summary>
    public static int HeaderBytesOf(IEnumerable<StoredRun> runs) =>
        SafetensorsWriter.HeaderBytesOf(runs.Select(run => run.ToSpec()), UncachedFile.PageBytes);

    /// <summary>Fills a block of a run.</summary>
    /// <param name="startBytes">Its first byte, from the start of the run.</param>
    /// <param name="block">The block.</param>
    public delegate void BlockSource(long startBytes, Span<byte> block);

    /// <summary>Where a run begins, counted from the first byte of the first.</summary>
    public long StartOf(StoredRun run) => _writer.OffsetOf(run.Key) - _writer.HeaderBytes;

    /// <summary>How many bytes from the first on are at most <paramref name="bytes"/> and whole blocks of their runs.</summary>
    public long WholeBlocks(long bytes)
    {
        long whole = 0;
        foreach (var run in _runs)
        {
            if (whole + run.Bytes > bytes)
                return whole + ((bytes - whole) / BlockChecksums.BlockBytes * BlockChecksums.BlockBytes);
            whole += run.Bytes;
        }

        return whole;
    }

    /// <summary>Writes a run where it lies, block by block; each block's checksum is taken just before, while it is in the cache. From a
    /// device it is copied block by block.</summary>
    /// <param name="run">The run.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="from">The first byte that is written: where a block begins, or the run's end.</param>
    /// <param name="cancellation">Looked at between blocks.</param>
    public unsafe void Write(StoredRun run, StateRun source, long from, CancellationToken cancellation)
    {
        if (!source.IsHostMemory)
        {
            Write(run, source.Read, from, cancellation);
            return;
        }

        foreach (var (start, length) in Blocks(run, from))
            WriteBlock(run, start, new ReadOnlySpan<byte>(source.Pointer + start, length), cancellation);
    }

    /// <summary>The same, of bytes that come block by block.</summary>
    public void Write(StoredRun run, BlockSource source, CancellationToken cancellation) => Write(run, source, 0, cancellation);

    /// <summary>Writes the first bytes of all runs together from memory that they lie in as in the file: past the system's cache, where
    /// the file system lets it.</summary>
    /// <param name="copies">The bytes.</param>
    /// <param name="bytes">How many, as <see cref="WholeBlocks"/> says.</param>
    /// <param name="cancellation">Looked at between blocks.</param>
    /// <returns>Bytes that went past the cache.</returns>
    public unsafe long WriteCopies(byte* copies, long bytes, CancellationToken cancellation)
    {
        var file = _writer.Uncached();
        long written = 0, ready = 0;
        foreach (var run in _runs)
        {
            foreach (var (start, length) in Blocks(run, 0))
            {
                if (ready == bytes)
                    break;
                Take(run, start, new ReadOnlySpan<byte>(copies + ready, length), cancellation);
                ready += length;
                if (ready - written >= PieceBytes)
                    WritePiece(PieceBytes);
            }
        }

        WritePiece((int)(ready - written));

        // What was staged of the rest is written after this.
        file.End();
        return file.DirectBytes;

        void WritePiece(int length)
        {
            file.Write(_writer.HeaderBytes + written, new ReadOnlySpan<byte>(copies + written, length));
            written += length;
        }
    }

    /// <summary>Flushes the file and says in the folder that it is complete.</summary>
    public void Complete()
    {
        _stage.Flush();
        _writer.Commit();
        var file = new CheckpointFile(Name(_rank), _writer.FileBytes, _writer.HeaderBytes, BlockChecksums.Show(_writer.HeaderChecksum));
        var part = new CheckpointPart(file, [.. _runs.Select(ToTensor)]);
        WriteWhole(PartPath(_folder, _rank), JsonSerializer.SerializeToUtf8Bytes(part, CheckpointJson.Default.CheckpointPart));
    }

    /// <summary>Says in the folder that a rank has failed, if it can: with the reason, or where there is no room for that with an empty
    /// file.</summary>
    public static void TryFail(string folder, int rank, string message)
    {
        var path = FailurePath(folder, rank);
        if (TryWrite(() => WriteWhole(path, System.Text.Encoding.UTF8.GetBytes(message))))
            return;

        // The disk that this rank found full may be so because of others, who still write. Where the folder is gone, who waits for
        // this rank sees that.
        if (Directory.Exists(folder))
            TryWrite(() => File.WriteAllBytes(path, []));
    }

    /// <summary>What a rank has written, once it is complete; null before.</summary>
    /// <exception cref="IOException">The rank has failed: its message.</exception>
    public static CheckpointPart? ReadPart(string folder, int rank)
    {
        var path = PartPath(folder, rank);
        if (File.Exists(path))
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), CheckpointJson.Default.CheckpointPart)
                ?? throw new IOException($"{path} is empty");
        }
        if (File.Exists(FailurePath(folder, rank)))
            throw new IOException(File.ReadAllText(FailurePath(folder, rank)) is { Length: > 0 } reason ? reason : NoReason(rank));
        return Directory.Exists(folder) ? null : throw new IOException($"{folder} was removed while it was written");
    }

    /// <summary>Removes what a rank left for rank 0.</summary>
    public static void RemovePart(string folder, int rank) => File.Delete(PartPath(folder, rank));

    public void Dispose() => _writer.Dispose();

    private void Write(StoredRun run, BlockSource source, long from, CancellationToken cancellation)
    {
        var buffer = new byte[Math.Min(BlockChecksums.BlockBytes, run.Bytes)];
        foreach (var (start, length) in Blocks(run, from))
        {
            source(start, buffer.AsSpan(0, length));
            WriteBlock(run, start, buffer.AsSpan(0, length), cancellation);
        }
    }

    private void WriteBlock(StoredRun run, long start, ReadOnlySpan<byte> block, CancellationToken cancellation) =>
        _stage.Write(Take(run, start, block, cancellation), block);

    // Takes note of a block that is about to be written, and says where in the file it belongs.
    private long Take(StoredRun run, long start, ReadOnlySpan<byte> block, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        BlockChecksums.Show(Crc32C.Of(block)).CopyTo(_checksums[run.Key].AsSpan((int)(start / BlockChecksums.BlockBytes) * 8));
        return _writer.Claim(run.Key, start, block.Length);
    }

    private CheckpointTensor ToTensor(StoredRun run) => new(
        run.Name, run.Kind, run.DType.Name(), run.Shape,
        [new CheckpointPiece(Name(_rank), run.Key, run.First, run.Elements, new string(_checksums[run.Key]))]);

    private static IEnumerable<(long Start, int Length)> Blocks(StoredRun run, long from)
    {
        for (var start = from; start < run.Bytes; start += BlockChecksums.BlockBytes)
            yield return (start, (int)Math.Min(BlockChecksums.BlockBytes, run.Bytes - start));
    }

    private static bool TryWrite(Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string NoReason(int rank) => $"rank {rank} could not write its file, nor say why: most likely the disk was full";

    private static void WriteWhole(string path, byte[] bytes)
    {
        File.WriteAllBytes(path + ".tmp", bytes);
        File.Move(path + ".tmp", path, overwrite: true);
    }

    private static string Name(int rank) => string.Create(CultureInfo.InvariantCulture, $"rank-{rank:D5}.safetensors");

    private static string PartPath(string folder, int rank) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"rank-{rank:D5}.part"));

    private static string FailurePath(string folder, int rank) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"rank-{rank:D5}.failed"));
}

/// <summary>A run of a tensor's elements as a file holds it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="DType">The type of its elements.</param>
/// <param name="Shape">The whole tensor's shape.</param>
/// <param name="First">The run's first element.</param>
/// <param name="Elements">How many there are.</param>
internal sealed record StoredRun(string Name, string Kind, SafetensorsDType DType, IReadOnlyList<long> Shape, long First, long Elements)
{
    /// <summary>Whether it is the whole tensor.</summary>
    public bool IsWhole { get; } = Elements == Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>The name in the file.</summary>
    public string Key => IsWhole ? Name : $"{Name}@{First}";

    /// <summary>A run of a rank's state as its file holds it.</summary>
    public static StoredRun Of(StateSlice slice, StateRun run) => new(run.Name, slice.Kind, slice.DType, run.Shape, run.First, run.Elements);

    /// <summary>The tensor that it is in the file.</summary>
    public SafetensorsSpec ToSpec() => new(Key, DType, IsWhole ? Shape : [Elements]);

    /// <summary>Bytes of the run.</summary>
    public long Bytes => Elements * (DType.Bits() / 8);
}
