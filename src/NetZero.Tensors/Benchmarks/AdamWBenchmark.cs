namespace NetZero.Tensors;

/// <summary>Updates of many parameters by AdamW and Lion, beside passes over the same memory that compute nothing, and AdamW with narrow moments beside AdamW with wide ones.</summary>
/// <remarks>
/// With fp32 moments AdamW moves 28 bytes a parameter: parameter, gradient and two moments are read, all but the gradient written. Lion moves 20, with one moment; its limit is a copy
/// of as many bytes.
/// </remarks>
public static class AdamWBenchmark
{
    // The pieces that a model's parameters come in when every tensor is updated by itself.
    private const long TensorElements = 1_000_000;

    // Parameter, gradient and moment are read, parameter and moment written.
    private const double LionFloats = 5;

    private static readonly AdamWSettings Settings = new(1e-4, 0.9, 0.999, 1e-8, 0.1, Step: 100);

    /// <summary>Measures one update of all parameters as one range of memory, and as ranges of a million; then Lion; then AdamW with bf16 and 8-bit moments.</summary>
    /// <param name="threads">Threads at once.</param>
    /// <param name="parameters">How many fp32 parameters, rounded up to 16; memory is 16 bytes for each, and 6 more for narrow moments.</param>
    /// <param name="seconds">The time for each line, and for each measurement of its limit.</param>
    /// <param name="cancellation">Looked at between windows.</param>
    /// <returns>The lines as they are measured.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread, no parameters or no time.</exception>
    public static IEnumerable<BenchmarkLine> Run(int threads, long parameters, double seconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parameters);
        using var tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        var arrays = new MemoryArrays(tensors, 4, parameters * sizeof(float));
        var work = $"{arrays.Floats:N0} parameters";
        var limit = new Limit("the same memory, read and written", "GB/s", arrays.Rate(MemoryPattern.Update));
        yield return limit.Beside("AdamW, one range", work, 1e-9 * arrays.PassBytes(MemoryPattern.Update), () => AdamW(tensors, arrays, arrays.Floats), seconds, cancellation);
        if (arrays.Floats > TensorElements)
        {
            var ranges = (arrays.Floats + TensorElements - 1) / TensorElements;
            yield return limit.Beside(
                $"AdamW, {ranges:N0} ranges", work, 1e-9 * arrays.PassBytes(MemoryPattern.Update), () => AdamW(tensors, arrays, TensorElements), seconds, cancellation);
        }

        RateWithin plain = arrays.Rate(MemoryPattern.Copy), around = arrays.Rate(MemoryPattern.CopyAround);
        yield return new Limit("copy", "GB/s", window => Math.Max(plain(window / 2), around(window / 2))).Beside(
            "Lion, one range", work, 1e-9 * LionFloats * sizeof(float) * arrays.Floats, () => Lion(tensors, arrays), seconds, cancellation);

        var wide = new Limit("AdamW with fp32 moments", "Gparam/s", Turns.Of(1e-9 * arrays.Floats, () => AdamW(tensors, arrays, arrays.Floats)));
        foreach (var (name, states) in new[] { ("bf16", BFloat16Moments(tensors, arrays.Floats)), ("8-bit", BlockMoments(tensors, arrays.Floats)) })
            yield return wide.Beside($"AdamW, {name} moments", work, 1e-9 * arrays.Floats, () => AdamW(tensors, arrays, states), seconds, cancellation);
    }

    private static unsafe void AdamW(TensorContext tensors, MemoryArrays arrays, long length)
    {
        for (long start = 0; start < arrays.Floats; start += length)
            tensors.Launch(new AdamWKernel(Stretch(arrays, start, length), FlatState.Floats(arrays[1]), FlatState.Floats(arrays[2]), Settings));
    }

    private static void AdamW(TensorContext tensors, MemoryArrays arrays, (FlatState First, FlatState Second) states) =>
        tensors.Launch(new AdamWKernel(Stretch(arrays, 0, arrays.Floats), states.First, states.Second, Settings));

    private static unsafe void Lion(TensorContext tensors, MemoryArrays arrays) =>
        tensors.Launch(new LionKernel(Stretch(arrays, 0, arrays.Floats), FlatState.Floats(arrays[1]), new LionSettings(1e-4, 0.9, 0.99, 0.1)));

    private static unsafe FlatStretch Stretch(MemoryArrays arrays, long start, long length) =>
        new(arrays[0], arrays[3], start, Math.Min(length, arrays.Floats - start), null);

    private static (FlatState First, FlatState Second) BFloat16Moments(TensorContext tensors, long elements)
    {
        return (Moment(), Moment());

        FlatState Moment()
        {
            var values = tensors.Empty([elements], DType.BF16, MemoryKind.Workspace).Keep();
            values.Clear();
            return FlatState.Of(values);
        }
    }

    // In whole blocks.
    private static (FlatState First, FlatState Second) BlockMoments(TensorContext tensors, long elements)
    {
        var blocks = (elements + FlatState.BlockElements - 1) / FlatState.BlockElements;
        return (Moment(signed: true), Moment(signed: false));

        FlatState Moment(bool signed)
        {
            var codes = tensors.Empty([blocks * FlatState.BlockElements], DType.U8, MemoryKind.Workspace).Keep();
            var scales = tensors.Empty([blocks], DType.F32, MemoryKind.Workspace).Keep();
            codes.Clear();
            scales.Clear();
            return FlatState.Blocks(codes, scales, signed);
        }
    }
}
