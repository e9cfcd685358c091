namespace NetZero.Tensors;

/// <summary>
/// Multiplications whose result is 16-bit: each element is summed in fp32 and rounded once, by the tile that ends its sum, while it lies in
/// the first-level cache.
/// </summary>
/// <remarks>
/// Where one block of depth is the whole sum, a tile's sums are all that ever exists in fp32. Otherwise those of a rectangle of C wait from
/// one block of depth for the next.
/// </remarks>
internal static unsafe class GemmNarrowing<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    /// <summary>Computes rows [row, row + rows) and columns [column, column + columns) of C.</summary>
    public static void Run(in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace)
    {
        var sums = workspace + GemmBlocking.WorkspacePerThread(kernel.M, kernel.N, kernel.K) + GemmWidening.Floats;
        var (most, across) = GemmNarrowing.IsOneBlock(kernel.K) ? (rows, columns) : GemmNarrowing.Rectangle(kernel.M, kernel.N);
        for (long i = 0; i < rows; i += most)
            for (long j = 0; j < columns; j += across)
                GemmBlock<T, TVector>.Run(
                    kernel, batch, row + i, Math.Min(most, rows - i), column + j, Math.Min(across, columns - j), workspace, sums);
    }
}

/// <summary>The sizes of <see cref="GemmNarrowing{T, TVector}"/>.</summary>
internal static class GemmNarrowing
{
    // Of a rectangle: 4 MiB. With 1536 rows that is 672 columns: enough that widening A again for the next takes a hundredth of the time.
    private const long MaxFloats = 1024 * 1024;

    /// <summary>Whether a sum of <paramref name="k"/> products is one block of depth.</summary>
    public static bool IsOneBlock(long k) => k <= GemmBlocking.MaxDepth;

    /// <summary>Rows and columns of a rectangle: rows as many as are packed at once, since B is packed again for the next.</summary>
    public static (long Rows, long Columns) Rectangle(long m, long n)
    {
        var rows = Math.Min(m, GemmBlocking.BlockRows);
        var columns = MaxFloats / rows / GemmBlocking.MaxTileColumns * GemmBlocking.MaxTileColumns;
        return (rows, Math.Min(n, columns));
    }

    /// <summary>Floats of workspace for one thread: a tile, or a rectangle.</summary>
    public static long Floats(long m, long n, long k)
    {
        if (IsOneBlock(k))
            return GemmBlocking.MaxTileRows * GemmBlocking.MaxTileColumns;
        var (rows, columns) = Rectangle(m, n);
        return rows * columns;
    }
}
