namespace NetZero.Tensors;

/// <summary>Multiply-adds in registers, with each vector width that the machine has: the limit of everything that computes.</summary>
public static class FmaPeakBenchmark
{
    /// <summary>Measures all widths in turns, and the widest over whole windows as well.</summary>
    /// <param name="threads">Threads at once.</param>
    /// <param name="seconds">The time for each line.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>A line for each width; their limit is the fastest of them.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, or no time.</exception>
    public static IReadOnlyList<BenchmarkLine> Run(int threads, double seconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var widths = FmaPeak.Widths;
        RateWithin[] rates =
        [
            .. widths.Select(RateWithin (width) => window => FmaPeak.Measure(threads, width.Lanes, window).Best),
            window => FmaPeak.Measure(threads, widths[0].Lanes, window).Sustained,
        ];
        var found = Turns.Measure(seconds, cancellation, rates);
        var names = widths.Select(width => width.Name).Append($"{widths[0].Name}, sustained").ToArray();
        return [.. names.Zip(found, (name, rate) => new BenchmarkLine(
            name, $"1 GFLOP on {Threads(threads)}", rate, found.Max(), "GFLOP/s", "fastest width", 1 / rate))];
    }

    internal static string Threads(int threads) => threads == 1 ? "1 thread" : $"{threads} threads";
}
