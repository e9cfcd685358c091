namespace NetZero.Tensors;

/// <summary>How a multiplication is cut: block sizes for the caches, tasks for the threads.</summary>
/// <remarks>
/// Note: why results depend on k alone. An element of C is a sum over blocks of <see cref="Depth"/> products, each summed in order by one
/// accumulator. The depth is a function of k only; rows, columns and tasks only decide who computes an element, never how.
/// </remarks>
internal static class GemmBlocking
{
    /// <summary>The largest register tile, of all vector widths.</summary>
    public const int MaxTileRows = 12;

    /// <summary>The widest register tile, of all vector widths.</summary>
    public const int MaxTileColumns = 32;

    /// <summary>
    /// Products per block: a panel of A (12 x 384 floats, 18 KiB) stays in the 32 KiB first-level cache while panels of B stream past it.
    /// </summary>
    public const int MaxDepth = 384;

    /// <summary>Rows of A packed at once: 96 x 384 floats are 144 KiB. A multiple of 12 and 6.</summary>
    public const int BlockRows = 96;

    /// <summary>
    /// Columns of B packed at once: 384 x 384 floats are 576 KiB, which with the block of A stays in a second-level cache of 1 MiB.
    /// </summary>
    public const int BlockColumns = 384;

    // Below this many products one thread is done before another has woken up.
    private const long MinParallelProducts = 64 * 64 * 64;

    // Tasks per thread: enough that a thread that was held up does not keep the others waiting for long.
    private const long TasksPerThread = 4;

    // A task of fewer rows spends a visible share of its time packing B; one of fewer columns spends it packing A.
    private const long MinTaskRows = 48;
    private const long MinTaskColumns = 128;

    // Transposing packs store whole vectors: the last one may pass the end of a panel by less than this.
    private const long Slack = 16;

    /// <summary>Products per block for a sum of <paramref name="k"/>: blocks of equal size, a multiple of 8, at most <see cref="MaxDepth"/>.</summary>
    public static long Depth(long k)
    {
        var blocks = Math.Max(1, (k + MaxDepth - 1) / MaxDepth);
        return RoundUp((k + blocks - 1) / blocks, 8);
    }

    /// <summary>Floats of workspace for the packed block of A.</summary>
    public static long PackedA(long m, long k) => RoundUp(Math.Min(m, BlockRows), MaxTileRows) * Depth(k) + Slack;

    /// <summary>Floats of workspace for the packed block of B.</summary>
    public static long PackedB(long n, long k) => RoundUp(Math.Min(n, BlockColumns), MaxTileColumns) * Depth(k);

    /// <summary>Floats of workspace for one thread.</summary>
    public static long WorkspacePerThread(long m, long n, long k) => RoundUp(PackedA(m, k) + PackedB(n, k), 16);

    /// <summary>Rows and columns of one task.</summary>
    public static (long Rows, long Columns) Task(long m, long n, long k, long batch, int threads)
    {
        if (threads == 1 || !IsWorthThreads(m, n, k, batch))
            return (m, n);
        var tasks = threads * TasksPerThread;
        var columns = Math.Min(n, BlockColumns);
        if (m <= MinTaskRows)
            columns = Math.Min(columns, Math.Max(MinTaskColumns, RoundUp((n + tasks - 1) / tasks, MaxTileColumns)));
        var others = batch * ((n + columns - 1) / columns);
        var parts = Math.Max(1, Math.Min((tasks + others - 1) / others, m / MinTaskRows));
        return (RoundUp((m + parts - 1) / parts, MaxTileRows), columns);
    }

    /// <summary>Whether the other threads should be woken at all.</summary>
    public static bool IsWorthThreads(long m, long n, long k, long batch) => (double)m * n * k * batch >= MinParallelProducts;

    private static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}
