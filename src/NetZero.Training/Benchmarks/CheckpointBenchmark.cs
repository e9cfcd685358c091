using System.Diagnostics;
using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Saving and loading the state of a GPT-2 with AdamW on one rank, beside what disk and memory do at most.</summary>
/// <remarks>
/// Each line is measured in turns with its limit, one round before it and the next one after, and counts by the median of five rounds. What is read was forgotten by the system
/// before, on Linux; elsewhere it may come from memory, for the checkpoint and for its limit alike.
/// </remarks>
public static class CheckpointBenchmark
{
    private const int Rounds = 5;
    private const int BlockBytes = 1 << 20;
    private const int Vocabulary = 50257;
    private const int Positions = 1024;

    // Of a single: values from 2^-13 to 2^-12.
    private const uint SmallExponent = 114u << 23;
    private const uint FractionBits = (1u << 23) - 1;

    // Far more than the caches hold.
    private const int ChecksumBytes = 256 << 20;

    /// <summary>Measures.</summary>
    /// <param name="folder">Where to; a folder of its own is made there and removed.</param>
    /// <param name="layers">Blocks of the model.</param>
    /// <param name="hidden">Its hidden size, a multiple of 64.</param>
    /// <param name="cancellation">Looked at between measurements.</param>
    /// <exception cref="IOException">The folder cannot be written, or a checkpoint could not be saved.</exception>
    public static async Task<IReadOnlyList<BenchmarkLine>> RunAsync(string folder, int layers, int hidden, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return await InOwnFolderAsync(
            folder,
            async own =>
            {
                var lines = World.RunAsync(1, rank => Task.FromResult(Measure(own, layers, hidden, rank)), Options(), cancellation);
                return (await lines.ConfigureAwait(false))[0];
            }).ConfigureAwait(false);
    }

    /// <summary>Runs something with a folder of its own inside of another, which is removed afterwards.</summary>
    internal static async Task<T> InOwnFolderAsync<T>(string folder, Func<string, Task<T>> run)
    {
        var own = Path.Combine(Path.GetFullPath(folder), $".netzero-bench-{Guid.NewGuid():N}");
        Directory.CreateDirectory(own);
        try
        {
            return await run(own).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }
    }

    /// <summary>A GPT-2 of some size with the vocabulary and positions of OpenAI's.</summary>
    internal static Gpt2 Model(int layers, int hidden) => new(new Gpt2Config
    {
        LayerCount = layers,
        HeadCount = hidden / 64,
        EmbeddingSize = hidden,
        PositionCount = Positions,
        VocabularySize = Vocabulary,
    });

    private static List<BenchmarkLine> Measure(string folder, int layers, int hidden, RankContext rank)
    {
        var model = Model(layers, hidden);
        var module = FullyShard.Apply(model, rank, ShardingPolicy.DataParallel);
        var optimizer = new AdamW(module);
        Fill(module, optimizer);
        var bytes = 12.0 * model.ParameterCount();
        var state = $"{bytes / 1e9:0.00} GB";
        var checkpoints = new CheckpointFolder(Path.Combine(folder, "checkpoints"));
        var plain = Path.Combine(folder, "plain");
        double[] save = new double[Rounds], write = new double[Rounds], load = new double[Rounds], read = new double[Rounds], hold = new double[Rounds], copy = new double[Rounds];
        using var direct = new CheckpointSaver(checkpoints, module, optimizer, new SaverOptions(), rank.Cancellation);
        using var beside = new CheckpointSaver(checkpoints, module, optimizer, new SaverOptions { Async = true }, rank.Cancellation);
        var copies = module.Slices().Select(slice => slice.Values).Concat(module.Shards.SelectMany(optimizer.StateOf))
            .Select(tensor => (tensor, new float[tensor.Elements])).ToList();
        Copy(copies);
        var step = 0;
        beside.Save(new CheckpointManifest { Step = ++step });
        Check(beside.Finish());
        for (var round = 0; round < Rounds; round++)
        {
            // Removing what was written is no part of writing.
            File.Delete(plain);
            checkpoints.Clear();
            InTurns(
                round, () => write[round] = Time(rank, () => Write(plain, (long)bytes)),
                () => save[round] = Time(rank, () => Check(direct.Save(new CheckpointManifest { Step = ++step }))));
            Forget(plain, checkpoints.Of(step));
            InTurns(
                round, () => read[round] = Time(rank, () => Read(plain)),
                () => load[round] = Time(rank, () => CheckpointLoader.Load(checkpoints.Of(step), module, optimizer)));
            copy[round] = Time(rank, () => Copy(copies));
            hold[round] = Time(rank, () => beside.Save(new CheckpointManifest { Step = ++step }));
            Check(beside.Finish());
        }

        var (checksum, scan) = Checksums();
        return
        [
            Line("save", state, bytes, save, write, "the disk, written in order and flushed"),
            Line("load, verified", state, bytes, load, read, "the disk, read in order"),
            Line("asynchronous save, until it returns", state, bytes, hold, copy, "a copy of the state"),
            Line("CRC-32C, one core", $"{ChecksumBytes >> 20} MiB", ChecksumBytes, checksum, scan, "a scan of the same memory"),
        ];
    }

    private static WorldOptions Options() => new() { Tensors = new TensorContextOptions { Threads = Environment.ProcessorCount } };

    private static BenchmarkLine Line(string name, string work, double bytes, double[] seconds, double[] limit, string limitName)
    {
        Array.Sort(seconds);
        Array.Sort(limit);
        var (median, least) = (seconds[Rounds / 2], limit[Rounds / 2]);
        return new BenchmarkLine(name, work, 1e-9 * bytes / median, 1e-9 * bytes / least, "GB/s", limitName, median);
    }

    // Whichever is second finds the disk as the first has left it.
    private static void InTurns(int round, Action limit, Action measured)
    {
        (round % 2 == 0 ? limit : measured)();
        (round % 2 == 0 ? measured : limit)();
    }

    private static double Time(RankContext rank, Action action)
    {
        rank.Cancellation.ThrowIfCancellationRequested();
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    internal static void Check(SaveReport? report)
    {
        if (report?.Failure is { } failure)
            throw new IOException(failure);
    }

    // Moments that no disk finds to be all the same, and that a step can work on: small numbers above zero.
    private static void Fill(ShardedModule module, Optimizer optimizer)
    {
        var random = new Random(0);
        foreach (var shard in module.Shards)
        {
            foreach (var moment in optimizer.StateOf(shard))
            {
                var values = new float[moment.Elements];
                var bits = System.Runtime.InteropServices.MemoryMarshal.Cast<float, uint>(values.AsSpan());
                random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits));
                foreach (ref var value in bits)
                    value = SmallExponent | (value & FractionBits);
                moment.CopyFrom<float>(values);
            }
        }
    }

    private static void Write(string path, long bytes)
    {
        var block = new byte[BlockBytes];
        new Random(0).NextBytes(block);
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, preallocationSize: bytes);
        for (long start = 0; start < bytes; start += BlockBytes)
            RandomAccess.Write(file, block, start);
        RandomAccess.FlushToDisk(file);
    }

    private static void Read(string path)
    {
        var block = new byte[BlockBytes];
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        for (long start = 0; RandomAccess.Read(file, block, start) is var got and > 0;)
            start += got;
    }

    private static void Forget(string plain, string checkpoint)
    {
        foreach (var path in Directory.EnumerateFiles(checkpoint).Append(plain))
            PageCache.Forget(path);
    }

    private static void Copy(List<(Tensor Tensor, float[] Copy)> state)
    {
        foreach (var (tensor, copy) in state)
            tensor.CopyTo<float>(copy);
    }

    private static (double[] Checksum, double[] Scan) Checksums()
    {
        var memory = new byte[ChecksumBytes];
        memory.AsSpan().Fill(1);
        double[] checksum = new double[Rounds], scan = new double[Rounds];
        uint crc = 0;
        var found = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var block = 0; block < ChecksumBytes; block += BlockBytes)
                crc ^= Crc32C.Of(memory.AsSpan(block, BlockBytes));
            checksum[round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            found += memory.AsSpan().IndexOfAnyExcept((byte)1);
            scan[round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        GC.KeepAlive((crc, found));
        return (checksum, scan);
    }
}
