namespace NetZero.Tensors;

/// <summary>AdamW's update of many parameters, beside a pass over the same memory that computes nothing.</summary>
/// <remarks>A parameter costs 28 bytes: parameter, gradient and two moments are read, all but the gradient written.</remarks>
public static class AdamWBenchmark
{
    // The pieces that a model's parameters come in when every tensor is updated by itself.
    private const long TensorElements = 1_000_000;

    /// <summary>Measures one update of all parameters as one range of memory, and as ranges of a million.</summary>
    /// <param name="threads">Threads at once.</param>
    /// <param name="parameters">How many fp32 parameters, rounded up to 16; memory is 16 bytes for each.</param>
    /// <param name="seconds">The time for each line, and for each measurement of its limit.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>The lines as they are measured.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, no parameters or no time.</exception>
    public static IEnumerable<BenchmarkLine> Run(int threads, long parameters, double seconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parameters);
        using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        var arrays = new MemoryArrays(tensors, 4, parameters * sizeof(float));
        var limit = new Limit("the same memory, read and written", "GB/s", arrays.Rate(MemoryPattern.Update));
        foreach (var length in new[] { arrays.Floats, TensorElements })
        {
            if (length == TensorElements && arrays.Floats <= TensorElements)
                yield break;
            var ranges = (arrays.Floats + length - 1) / length;
            yield return limit.Beside(
                ranges == 1 ? "AdamW, one range" : $"AdamW, {ranges:N0} ranges", $"{arrays.Floats:N0} parameters", 1e-9 * arrays.PassBytes(MemoryPattern.Update),
                () => Update(tensors, arrays, length), seconds, cancellation);
        }
    }

    private static unsafe void Update(TensorContext tensors, MemoryArrays arrays, long length)
    {
        var settings = new AdamWSettings(1e-4, 0.9, 0.999, 1e-8, 0.1, Step: 100);
        for (long start = 0; start < arrays.Floats; start += length)
        {
            var stretch = new FlatStretch(arrays[0], arrays[3], start, Math.Min(length, arrays.Floats - start), null);
            tensors.Launch(new AdamWKernel(stretch, FlatState.Floats(arrays[1]), FlatState.Floats(arrays[2]), settings));
        }
    }
}
