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

    /// <summary>
    /// Rows of A packed at once: 1536 x 384 floats are 2.25 MiB, read from the third-level cache a panel at a time. More rows would only save
    /// packing B again, which at 1536 costs about 1 % of the time. A multiple of 12 and 6.
    /// </summary>
    public const int BlockRows = 1536;

    /// <summary>
    /// From 2 MiB on, a block of A that is not packed is asked for ahead of its tiles: it does not come from a second-level cache. Smaller ones lost 1 %.
    /// </summary>
    public const long FetchedAheadElements = 512 * 1024;

    // The packed block of B: 384 KiB, where a second-level cache of 1 MiB leaves room for what passes through, A and C; with 576 KiB the tiles
    // ran 4 % slower. Workspace is of this size everywhere.
    private const long MaxBlockElementsOfB = 256 * 384;

    // Of a smaller second-level cache B gets half: 256 of 512 KiB, where 384 KiB cost 1 to 2 % of 1024^3.
    private static readonly long BlockElementsOfB = Math.Min(MaxBlockElementsOfB, CacheSizes.Level2Bytes / sizeof(float) / 2);

    // Shallower blocks are not made wider: a wide block gains nothing any more and costs workspace.
    private const long MinBlockDepth = 128;

    // Below this many products one thread is done before another has woken up.
    private const long MinParallelProducts = 64 * 64 * 64;

    // Tasks per thread at most: enough that a thread that was held up does not keep the others waiting for long.
    private const long MaxTasksPerThread = 8;

    // The share of one task by which the last thread is expected to be late, because the machine has other work.
    private const double ExpectedDelay = 0.1;

    // A task packs its rows of A, which takes as long as products with so many columns, and its columns of B, as long as with so many rows.
    private const double ColumnsToPackA = 8;
    private const double RowsToPackB = 8;

    // A way of the first-level cache: 4 KiB, whether 32 KiB of 8 or 48 KiB of 12.
    private const long WayElements = 1024;

    // Packing a row takes as long as its products with about 6 columns.
    private const long MinColumnsToPackRows = 128;

    // Packing columns stores whole vectors: the last one may pass the end of a panel by less than this.
    private const long Slack = 16;

    /// <summary>Products per block for a sum of <paramref name="k"/>: blocks of equal size, a multiple of 8, at most <see cref="MaxDepth"/>.</summary>
    public static long Depth(long k)
    {
        var blocks = Math.Max(1, (k + MaxDepth - 1) / MaxDepth);
        return RoundUp((k + blocks - 1) / blocks, 8);
    }

    /// <summary>Columns of B packed at once.</summary>
    public static long BlockColumns(long k) => Columns(BlockElementsOfB, k);

    /// <summary>Columns of each block when <paramref name="columns"/> are cut into as few blocks as there must be, all about as wide.</summary>
    public static long EvenColumns(long columns, long k)
    {
        var most = BlockColumns(k);
        var blocks = (columns + most - 1) / most;
        return RoundUp((columns + blocks - 1) / blocks, MaxTileColumns);
    }

    /// <summary>
    /// Whether the rows that a tile reads in place, <paramref name="stride"/> floats apart, displace each other and B from the first-level cache: where
    /// more than four of them begin in the same lines of its 4 KiB ways. Then A is packed, if the block has columns enough to pay for that.
    /// </summary>
    public static bool RowsCollide(int rows, long stride, long depth, long columns)
    {
        if (columns < MinColumnsToPackRows)
            return false;
        for (var row = 0; row < rows; row++)
        {
            var together = 0;
            for (var other = 0; other < rows; other++)
                together += ((row - other) * stride & (WayElements - 1)) < depth ? 1 : 0;
            if (together > 4)
                return true;
        }

        return false;
    }

    /// <summary>Floats of workspace for the packed block of A.</summary>
    public static long PackedA(long m, long k) => RoundUp(Math.Min(m, BlockRows), MaxTileRows) * Depth(k) + Slack;

    /// <summary>Floats of workspace for one thread.</summary>
    public static long WorkspacePerThread(long m, long n, long k) =>
        PackedA(m, k) + RoundUp(Math.Min(n, Columns(MaxBlockElementsOfB, k)), MaxTileColumns) * Depth(k);

    /// <summary>Rows and columns of one task: of the ways to cut C evenly, the one that is expected to end first.</summary>
    public static (long Rows, long Columns) Task(long m, long n, long k, long batch, int threads)
    {
        if (threads == 1 || !IsWorthThreads(m, n, k, batch))
            return (m, n);
        (long Rows, long Columns) best = (m, n);
        var least = Duration(m, n, best, batch, threads);
        var most = Math.Max(1, threads * MaxTasksPerThread / batch);
        for (long down = 1; down <= Math.Min(most, (m + MaxTileRows - 1) / MaxTileRows); down++)
        {
            for (long across = 1; across <= Math.Min(most / down, (n + MaxTileColumns - 1) / MaxTileColumns); across++)
            {
                var task = (RoundUp((m + down - 1) / down, MaxTileRows), RoundUp((n + across - 1) / across, MaxTileColumns));
                var duration = Duration(m, n, task, batch, threads);
                if (duration < least)
                    (best, least) = (task, duration);
            }
        }

        return best;
    }

    // In products: the tasks that one thread runs one after another, and what it may be late by.
    private static double Duration(long m, long n, (long Rows, long Columns) task, long batch, int threads)
    {
        var tasks = batch * ((m + task.Rows - 1) / task.Rows) * ((n + task.Columns - 1) / task.Columns);
        double rows = Math.Min(task.Rows, m), columns = Math.Min(task.Columns, n);
        return ((tasks + threads - 1) / threads + ExpectedDelay) * (rows + RowsToPackB) * (columns + ColumnsToPackA);
    }

    /// <summary>Whether the other threads should be woken at all.</summary>
    public static bool IsWorthThreads(long m, long n, long k, long batch) => (double)m * n * k * batch >= MinParallelProducts;

    private static long Columns(long elements, long k) =>
        Math.Max(1, elements / Math.Max(Depth(k), MinBlockDepth) / MaxTileColumns) * MaxTileColumns;

    private static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}
