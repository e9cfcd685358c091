namespace NetZero.Tensors;

/// <summary>How fast memory is read and written: the limit of everything that computes little.</summary>
/// <remarks>
/// In the manner of STREAM (McCalpin 1995): arrays far larger than the caches, each pass timed whole. Bytes are those that the program reads and writes. A plain
/// store also makes the processor fetch what it overwrites, which is not counted; stores past the caches do without, which is why they can be faster.
/// An optimizer's update has read what it writes, so that it pays for nothing twice and comes out ahead of a copy.
/// </remarks>
public static class MemoryBandwidthBenchmark
{
    private static readonly (MemoryPattern Pattern, string Name, int Arrays)[] Passes =
    [
        (MemoryPattern.Copy, "copy", 2),
        (MemoryPattern.CopyAround, "copy, non-temporal", 2),
        (MemoryPattern.Read, "read", 1),
        (MemoryPattern.Write, "write", 1),
        (MemoryPattern.WriteAround, "write, non-temporal", 1),
        (MemoryPattern.Update, "AdamW's pattern: read 4, write 3", 4),
    ];

    /// <summary>Measures all patterns in turns.</summary>
    /// <param name="threads">Threads at once.</param>
    /// <param name="bytes">Bytes of one array, rounded up to 64; there are four.</param>
    /// <param name="seconds">The time for each line.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>A line for each pattern; their limit is the fastest of them.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, no bytes or no time.</exception>
    public static IReadOnlyList<BenchmarkLine> Run(int threads, long bytes, double seconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        var arrays = new MemoryArrays(tensors, 4, bytes);
        var rates = Turns.Measure(seconds, cancellation, [.. Passes.Select(pass => arrays.Rate(pass.Pattern))]);
        return [.. Passes.Zip(rates, (pass, rate) => new BenchmarkLine(
            pass.Name, Work(pass.Arrays, arrays.Floats * sizeof(float)), rate, rates.Max(), "GB/s", "fastest pattern",
            1e-9 * arrays.PassBytes(pass.Pattern) / rate))];
    }

    private static string Work(int arrays, long bytes) => $"{arrays} x {bytes / 1048576.0:0.##} MiB";
}
