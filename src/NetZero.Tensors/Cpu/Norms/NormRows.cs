using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>How the rows of a normalisation are cut into tasks, and the sums over one row that its kernels share.</summary>
/// <remarks>The cuts depend on the number of rows alone, so results do not depend on the number of threads.</remarks>
internal static unsafe class NormRows
{
    /// <summary>Rows that a forward task handles: enough to outweigh handing out the task.</summary>
    public const long RowsPerForwardTask = 16;

    // Partial sums of the parameter gradients cost chunks x columns floats of scratch and one more pass over them: 64 chunks keep both
    // small beside the rows themselves and still feed any number of cores that a rank has.
    private const long MaxChunks = 64;
    private const long MinRowsPerChunk = 16;

    public static long RowsPerChunk(long rows) => Math.Max(MinRowsPerChunk, (rows + MaxChunks - 1) / MaxChunks);

    public static long Chunks(long rows) => (rows + RowsPerChunk(rows) - 1) / RowsPerChunk(rows);

    /// <summary>Scratch of a kernel with 16-bit operands: rows that all workers share and rows of each; none where all operands are floats.</summary>
    public static long TileBytes(bool has16Bits, int shared, int each, int threads, long columns) =>
        has16Bits ? (shared + ((long)each * threads)) * columns * sizeof(float) : 0;

    /// <summary>The sum of x over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum<T>(float* x, long columns)
        where T : struct, ILanes<T>
    {
        var sum = T.Splat(0);
        long c = 0;
        for (; c <= columns - T.Count; c += T.Count)
            sum += T.Load(x + c);
        if (c < columns)
            sum += PartialLanes.Load<T>(x + c, columns - c);
        return T.Sum(sum);
    }

    /// <summary>The sum of (x - center)^2 over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SumOfSquares<T>(float* x, float center, long columns)
        where T : struct, ILanes<T>
    {
        var sum = T.Splat(0);
        var shift = T.Splat(center);
        long c = 0;
        for (; c <= columns - T.Count; c += T.Count)
            sum = AddSquare<T>(T.Load(x + c), shift, sum);
        if (c < columns)
            sum = AddSquare<T>(PartialLanes.Load<T>(x + c, columns - c, center), shift, sum);
        return T.Sum(sum);
    }

    /// <summary>target[c] (+)= the sum over chunks of partials[chunk, c], in the order of the chunks.</summary>
    /// <param name="partials">First chunk's row.</param>
    /// <param name="chunkStride">Floats from one chunk's row to the next.</param>
    /// <param name="chunks">How many chunks.</param>
    /// <param name="target">The sums.</param>
    /// <param name="columns">How many sums.</param>
    /// <param name="accumulate">Whether to add to what the target holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine(float* partials, long chunkStride, long chunks, FloatPointer target, long columns, bool accumulate)
    {
        for (long c = 0; c < columns; c++)
        {
            var sum = 0f;
            for (long chunk = 0; chunk < chunks; chunk++)
                sum += partials[(chunk * chunkStride) + c];
            target.Set(c, accumulate ? target.Get(c) + sum : sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T AddSquare<T>(T x, T center, T sum)
        where T : struct, ILanes<T>
    {
        var d = x - center;
        return T.MultiplyAdd(d, d, sum);
    }
}
