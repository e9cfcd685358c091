namespace NetZero.Tensors;

/// <summary>The ops beside matrix multiply, each against what bounds it: a copy that moves as many bytes, or the FMA peak.</summary>
/// <remarks>The copy has as much memory as the op, so that both meet the same caches; the faster of plain and non-temporal stores counts.</remarks>
public static class KernelBenchmark
{
    /// <summary>The names of the ops, as <see cref="Run"/> filters them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. KernelCase.All.Select(kernel => kernel.Name)];

    /// <summary>Measures one op after the other: forward alone, then forward and backward.</summary>
    /// <param name="names">Which of <see cref="Names"/>.</param>
    /// <param name="threads">Threads at once.</param>
    /// <param name="seconds">The time for each line, and for each measurement of its limit.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>The lines as they are measured.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, or no time.</exception>
    public static IEnumerable<BenchmarkLine> Run(IReadOnlyCollection<string> names, int threads, double seconds, CancellationToken cancellation = default)
    {
        foreach (var kernel in KernelCase.All.Where(kernel => names.Contains(kernel.Name)))
        {
            using var problem = new KernelProblem(kernel, threads);
            yield return Line(kernel, $"{kernel.Name} forward", kernel.Cost.Forward, problem.Forward);
            if (kernel.Cost.Both > 0)
                yield return Line(kernel, $"{kernel.Name} forward + backward", kernel.Cost.Both, problem.ForwardAndBackward);
        }

        BenchmarkLine Line(KernelCase kernel, string name, double cost, Action run)
        {
            var work = kernel.Input.ToString();
            if (!kernel.Cost.InArrays)
                return Limit.Fma(threads).Beside(name, work, 1e-9 * cost, run, seconds, cancellation);
            var bytes = cost * kernel.Input.Elements * sizeof(float);
            using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
            return Copy(tensors, (long)(bytes / 2)).Beside(name, work, 1e-9 * bytes, run, seconds, cancellation);
        }
    }

    private static Limit Copy(TensorContext tensors, long bytes)
    {
        var arrays = new MemoryArrays(tensors, 2, bytes);
        RateWithin plain = arrays.Rate(MemoryPattern.Copy), around = arrays.Rate(MemoryPattern.CopyAround);
        return new Limit("copy of as many bytes", "GB/s", window => Math.Max(plain(window / 2), around(window / 2)));
    }
}
