namespace NetZero.Tensors;

/// <summary>Matrix multiplications beside the FMA peak; those that compute next to nothing with what they read, beside reading as many bytes.</summary>
public static class GemmBenchmark
{
    // FLOPs per byte below which memory is the limit: about what cores do in the time in which they read a byte (a row or a column has 0.5, a square of 64 has 10).
    private const double FlopsPerByte = 4;

    /// <summary>Measures one shape after the other.</summary>
    /// <param name="shapes">What to multiply.</param>
    /// <param name="threads">Threads at once.</param>
    /// <param name="seconds">The time for each shape, and for each measurement of its limit.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>The lines as they are measured.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, or no time.</exception>
    public static IEnumerable<BenchmarkLine> Run(IEnumerable<GemmShape> shapes, int threads, double seconds, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(shapes);
        foreach (var shape in shapes)
        {
            using var problem = new GemmProblem(shape, threads);
            if (shape.Flops >= FlopsPerByte * shape.Bytes)
                yield return Limit.Fma(threads).Beside(shape.Name, Work(shape), 1e-9 * shape.Flops, problem.Run, seconds, cancellation);
            else
                yield return Read(shape, threads, problem.Run, seconds, cancellation);
        }
    }

    private static BenchmarkLine Read(GemmShape shape, int threads, Action run, double seconds, CancellationToken cancellation)
    {
        using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        var limit = new Limit("reading as many bytes", "GB/s", new MemoryArrays(tensors, 1, shape.Bytes).Rate(MemoryPattern.Read));
        return limit.Beside(shape.Name, Work(shape), 1e-9 * shape.Bytes, run, seconds, cancellation);
    }

    private static string Work(GemmShape shape) => $"{shape.M} x {shape.N} x {shape.K}";
}
