using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>One rectangle of C on one thread: packs blocks of A and B for the caches and runs register tiles over them.</summary>
/// <remarks>
/// Loops, outermost first: blocks of k; blocks of rows (A packed, third-level cache); blocks of columns (B packed, second-level cache); tiles of
/// rows (one panel of A); tiles of columns (panels of B stream from the second level, 2 vectors per 24 multiply-adds).
/// After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with rows and columns exchanged, because
/// our tiles hold vectors along the rows of C.
/// </remarks>
internal static unsafe class GemmBlock<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    private static int TileColumns => 2 * T.Width;

    /// <summary>Computes rows [row, row + rows) and columns [column, column + columns) of C.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace)
    {
        var packedA = workspace;
        var k = kernel.K;
        var packedB = workspace + GemmBlocking.PackedA(kernel.M, k);
        var maxDepth = GemmBlocking.Depth(k);
        var maxColumns = GemmBlocking.BlockColumns(k);

        // B that is read by one or two tiles of rows is not worth packing where its rows are vectors already.
        var packsB = kernel.B.ColumnStride != 1 || rows > 2 * T.Rows;
        long start = 0;
        do
        {
            var depth = Math.Min(maxDepth, k - start);
            var add = kernel.Accumulate || start > 0;
            var bias = start + depth == k ? kernel.Bias : null;
            for (long i = 0; i < rows; i += GemmBlocking.BlockRows)
            {
                var blockRows = Math.Min(GemmBlocking.BlockRows, rows - i);
                GemmPacking<T, TVector>.PackA(
                    kernel.A.At(batch, row + i, start), kernel.A.RowStride, kernel.A.ColumnStride, blockRows, depth, packedA);
                for (long j = 0; j < columns; j += maxColumns)
                {
                    var blockColumns = Math.Min(maxColumns, columns - j);
                    var direct = packsB ? 0 : blockColumns / TileColumns * TileColumns;
                    var b = new ColumnBlock(
                        kernel.B.At(batch, start, column + j), kernel.B.RowStride, direct, packedB, blockColumns);
                    GemmPacking<T, TVector>.PackB(
                        b.Source + direct * kernel.B.ColumnStride, kernel.B.RowStride, kernel.B.ColumnStride, depth, blockColumns - direct,
                        packedB);
                    Multiply(
                        packedA, blockRows, depth, b, kernel.C.At(batch, row + i, column + j), kernel.C.RowStride, add,
                        bias == null ? null : bias + column + j);
                }
            }

            start += depth;
        }
        while (start < k);
    }

    // Packed A [rows, depth] times a block of B, tile by tile.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(
        float* packedA, long rows, long depth, in ColumnBlock b, float* c, long cStride, bool add, float* bias)
    {
        // A tile at an edge of C is computed whole, here, and its valid part is copied.
        var edge = stackalloc float[GemmBlocking.MaxTileRows * GemmBlocking.MaxTileColumns];
        for (long i = 0; i < rows; i += T.Rows)
        {
            var validRows = Math.Min(T.Rows, rows - i);
            var tileRows = GemmPacking<T, TVector>.TileRows(validRows);
            var a = packedA + i * depth;
            for (long j = 0; j < b.Columns; j += TileColumns)
            {
                var validColumns = Math.Min(TileColumns, b.Columns - j);
                var tile = c + i * cStride + j;
                var tileBias = bias == null ? null : bias + j;
                var direct = j < b.Direct;
                var panel = direct ? b.Source + j : b.Packed + (j - b.Direct) * depth;
                var stride = direct ? b.SourceStride : TileColumns;
                if (validRows == tileRows && validColumns == TileColumns)
                {
                    Tile(tileRows, depth, a, panel, stride, tile, cStride, add, tileBias);
                }
                else
                {
                    Tile(tileRows, depth, a, panel, stride, edge, TileColumns, false, null);
                    CopyEdge(edge, validRows, validColumns, tile, cStride, add, tileBias);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(
        int rows, long depth, float* a, float* b, long bStride, float* c, long cStride, bool add, float* bias)
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
                GemmTile<T, TVector>.Rows6(depth, a, b, bStride, c, cStride, add, bias);
                break;
            case 4:
                GemmTile<T, TVector>.Rows4(depth, a, b, bStride, c, cStride, add, bias);
                break;
            default:
                GemmTile<T, TVector>.Rows1(depth, a, b, bStride, c, cStride, add, bias);
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
