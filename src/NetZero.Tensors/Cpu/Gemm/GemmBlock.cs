using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>One rectangle of C on one thread: packs blocks of A and B for the caches and runs register tiles over them.</summary>
/// <remarks>
/// Loops, outermost first: blocks of k; blocks of rows (A packed, third-level cache; or all rows, where tiles read A as it lies); blocks of
/// columns (B packed, second-level cache); tiles of rows (one panel of A); tiles of columns (panels of B stream from the second level).
/// After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with rows and columns exchanged, because
/// our tiles hold vectors along the rows of C.
/// </remarks>
internal static unsafe class GemmBlock<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    private static int TileColumns => 2 * T.Width;

    /// <summary>Computes rows [row, row + rows) and columns [column, column + columns) of C.</summary>
    /// <param name="kernel">The call.</param>
    /// <param name="batch">Batch item.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="column">First column.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="workspace">The thread's.</param>
    /// <param name="sums">Of a 16-bit C: room for its sums in fp32, rows x columns; for a tile if one block of depth is all.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace, float* sums = null)
    {
        var packedA = workspace;
        var k = kernel.K;
        var packedB = workspace + GemmBlocking.PackedA(kernel.M, k);
        var wide = workspace + GemmBlocking.WorkspacePerThread(kernel.M, kernel.N, k);
        var maxDepth = GemmBlocking.Depth(k);
        var maxColumns = GemmBlocking.EvenColumns(columns, k);

        // B that is read by one or two tiles of rows is not worth packing where its rows are vectors already.
        var packsB = kernel.B.ColumnStride != 1 || rows > 2 * T.Rows || !kernel.B.Elements.IsFloat;
        var packsA = kernel.A.ColumnStride != 1 || !T.ReadsRows
            || (kernel.A.Elements.IsFloat && GemmBlocking.RowsCollide(T.Rows, kernel.A.RowStride, maxDepth, columns));
        var widensRows = !packsA && !kernel.A.Elements.IsFloat;
        var maxRows = packsA || widensRows ? GemmBlocking.BlockRows : rows;
        long start = 0;
        do
        {
            var depth = Math.Min(maxDepth, k - start);
            var add = kernel.Accumulate || start > 0;
            var bias = start + depth == k ? kernel.Bias.Floats : null;
            for (long i = 0; i < rows; i += maxRows)
            {
                var blockRows = Math.Min(maxRows, rows - i);
                var source = kernel.A.ElementsAt(batch, row + i, start);
                if (packsA)
                    GemmWidening<T, TVector>.PackA(source, kernel.A.RowStride, kernel.A.ColumnStride, blockRows, depth, packedA, wide);
                else if (widensRows)
                    GemmWidening<T, TVector>.Rows(source, kernel.A.RowStride, blockRows, depth, packedA);
                var a = widensRows ? new RowBlock(packedA, blockRows, depth, false)
                    : packsA ? new RowBlock(packedA, blockRows, depth, true) : new RowBlock(source.Floats, blockRows, kernel.A.RowStride, false);
                for (long j = 0; j < columns; j += maxColumns)
                {
                    var blockColumns = Math.Min(maxColumns, columns - j);
                    var direct = packsB ? 0 : blockColumns / TileColumns * TileColumns;
                    var columnsOfB = kernel.B.ElementsAt(batch, start, column + j);
                    var b = new ColumnBlock(columnsOfB.Floats, kernel.B.RowStride, direct, packedB, blockColumns);
                    GemmWidening<T, TVector>.PackB(
                        columnsOfB.At(direct * kernel.B.ColumnStride), kernel.B.RowStride, kernel.B.ColumnStride, depth, blockColumns - direct,
                        packedB, wide);
                    var c = kernel.C.ElementsAt(batch, row + i, column + j);
                    var isTile = depth >= k;
                    var target = sums == null
                        ? new GemmTarget(c.Floats, kernel.C.RowStride)
                        : new GemmTarget(
                            isTile ? sums : sums + i * columns + j, isTile ? TileColumns : columns, isTile, c, kernel.C.RowStride,
                            reads: kernel.Accumulate && start == 0, writes: start + depth == k);
                    Multiply(a, depth, b, target, add, bias == null ? null : bias + column + j);
                }
            }

            start += depth;
        }
        while (start < k);
    }

    // A block of A [rows, depth] times a block of B, tile by tile.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(in RowBlock a, long depth, in ColumnBlock b, in GemmTarget target, bool add, float* bias)
    {
        // A tile at an edge of C is computed whole, here, and its valid part is copied.
        var edge = stackalloc float[GemmBlocking.MaxTileRows * GemmBlocking.MaxTileColumns];
        var cStride = target.Stride;
        var fetchesAhead = !a.IsPacked && a.Rows * depth >= GemmBlocking.FetchedAheadElements;
        for (long i = 0; i < a.Rows;)
        {
            var validRows = Math.Min(T.Rows, a.Rows - i);
            var tileRows = a.IsPacked ? GemmPacking<T, TVector>.TileRows(validRows) : WholeTile(validRows);
            validRows = Math.Min(validRows, tileRows);
            var (rowStride, columnStride) = a.IsPacked ? (1L, tileRows) : (a.Stride, 1L);
            var panelA = a.Data + i * a.Stride;
            var next = fetchesAhead && i + 2 * T.Rows <= a.Rows ? panelA + T.Rows * a.Stride : null;
            for (long j = 0; j < b.Columns; j += TileColumns)
            {
                if (next != null)
                    PrefetchPart(next, a.Stride, depth, j, b.Columns);
                var validColumns = Math.Min(TileColumns, b.Columns - j);
                var tile = target.Begin(i, j, validRows, validColumns);
                PrefetchWritten(target, i, j, validRows);
                var tileBias = bias == null ? null : bias + j;
                var direct = j < b.Direct;
                var panel = direct ? b.Source + j : b.Packed + (j - b.Direct) * depth;
                var stride = direct ? b.SourceStride : TileColumns;
                if (validRows == tileRows && validColumns == TileColumns)
                {
                    Tile(tileRows, depth, panelA, rowStride, columnStride, panel, stride, tile, cStride, add, tileBias);
                }
                else
                {
                    Tile(tileRows, depth, panelA, rowStride, columnStride, panel, stride, edge, TileColumns, false, null);
                    CopyEdge(edge, validRows, validColumns, tile, cStride, add, tileBias);
                }

                target.End(tile, i, j, validRows, validColumns);
            }

            i += validRows;
        }
    }

    // The rows of the next tile, a part with each tile of columns: they come from the third-level cache or memory, and as rows apart from
    // each other they are too short for the processor to see streams in time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PrefetchPart(float* rows, long stride, long depth, long column, long columns)
    {
        const int line = 16;
        var part = (depth * TileColumns / columns + line - 1) / line * line;
        var first = column / TileColumns * part;
        var end = Math.Min(depth, first + part);
        for (var p = first; p < end; p += line)
        {
            for (var r = 0; r < T.Rows; r++)
                T.Prefetch(rows + r * stride + p);
        }
    }

    // Rows of a 16-bit C that end with this tile: as the tiles' own sums do, they come while the tile computes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchWritten(in GemmTarget target, long row, long column, long rows)
    {
        for (long i = 0; target.Writes && i < rows; i++)
            T.Prefetch((float*)target.Written(row + i, column));
    }

    // The most rows of a tile that are all there, for what is not packed cannot be padded. 8 and 9 are 4 + 4 (+ 1): a tile of one row waits for its sums.
    private static int WholeTile(long rows) => rows is 6 or 7 or > 9 ? 6 : rows >= 4 ? 4 : 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(
        int rows, long depth, float* a, long rowStride, long columnStride, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        switch (rows)
        {
            case 12:
                GemmTile<T, TVector>.Rows12(depth, a, a, b, bStride, c, cStride, add, bias);
                break;
            case 8:
                GemmTile<T, TVector>.Rows8(depth, a, b, bStride, c, cStride, add, bias);
                break;
            case 6:
                GemmTile<T, TVector>.Rows6(depth, a, rowStride, columnStride, b, bStride, c, cStride, add, bias);
                break;
            case 4:
                GemmTile<T, TVector>.Rows4(depth, a, rowStride, columnStride, b, bStride, c, cStride, add, bias);
                break;
            default:
                GemmTile<T, TVector>.Rows1(depth, a, rowStride, columnStride, b, bStride, c, cStride, add, bias);
                break;
        }
    }

    // The same additions in the same order as the end of a tile.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyEdge(float* edge, long rows, long columns, float* c, long cStride, bool add, float* bias)
    {
        for (long i = 0; i < rows; i++)
        {
            for (long j = 0; j < columns; j++)
            {
                var sum = edge[i * TileColumns + j];
                if (add)
                    sum = c[i * cStride + j] + sum;
                if (bias != null)
                    sum += bias[j];
                c[i * cStride + j] = sum;
            }
        }
    }

    /// <summary>A block of A: packed panels of a tile's rows, or rows as they lie. Row i starts a tile at <c>Data + i * Stride</c>.</summary>
    private readonly struct RowBlock(float* data, long rows, long stride, bool isPacked)
    {
        public readonly float* Data = data;
        public readonly long Rows = rows;
        public readonly long Stride = stride;
        public readonly bool IsPacked = isPacked;
    }

    /// <summary>A block of B: its first <c>Direct</c> columns are read where they are, the others from packed panels.</summary>
    private readonly struct ColumnBlock(float* source, long sourceStride, long direct, float* packed, long columns)
    {
        public readonly float* Source = source;
        public readonly long SourceStride = sourceStride;
        public readonly long Direct = direct;
        public readonly float* Packed = packed;
        public readonly long Columns = columns;
    }
}
