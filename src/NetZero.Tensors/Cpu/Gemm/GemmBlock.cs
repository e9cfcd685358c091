using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

/// <summary>One rectangle of C on one thread: packs blocks of A and B for the caches and runs register tiles over them.</summary>
/// <remarks>
/// Loops, outermost first: blocks of k; blocks of columns (B packed, second-level cache); blocks of rows (A packed); tiles of rows (their
/// panel of A stays in the first-level cache); tiles of columns (panels of B stream from the second level, 2 vectors per 24 multiply-adds).
/// After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with rows and columns exchanged, because
/// our tiles hold vectors along the rows of C.
/// </remarks>
internal static unsafe class GemmBlock<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    private static int TileColumns => 2 * T.Width;

    /// <summary>Computes rows [row, row + rows) and columns [column, column + columns) of C.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace)
    {
        // A tile at an edge of C is computed whole, here, and its valid part is copied.
        var edge = stackalloc float[GemmBlocking.MaxTileRows * GemmBlocking.MaxTileColumns];
        var packedA = workspace;
        var packedB = workspace + GemmBlocking.PackedA(kernel.M, kernel.K);
        var k = kernel.K;
        var maxDepth = GemmBlocking.Depth(k);
        var packsB = kernel.B.ColumnStride != 1 || rows > 2 * T.Rows;
        long start = 0;
        do
        {
            var depth = Math.Min(maxDepth, k - start);
            var add = kernel.Accumulate || start > 0;
            var bias = start + depth == k ? kernel.Bias : null;
            for (long j = 0; j < columns; j += GemmBlocking.BlockColumns)
            {
                var blockColumns = Math.Min(GemmBlocking.BlockColumns, columns - j);
                var b = kernel.B.At(batch, start, column + j);
                var wholeColumns = packsB ? 0 : blockColumns / TileColumns * TileColumns;
                GemmPacking<T, TVector>.PackB(
                    b + wholeColumns * kernel.B.ColumnStride, kernel.B.RowStride, kernel.B.ColumnStride,
                    depth, blockColumns - wholeColumns, packedB);
                for (long i = 0; i < rows; i += GemmBlocking.BlockRows)
                {
                    var blockRows = Math.Min(GemmBlocking.BlockRows, rows - i);
                    GemmPacking<T, TVector>.PackA(
                        kernel.A.At(batch, row + i, start), kernel.A.RowStride, kernel.A.ColumnStride, blockRows, depth, packedA);
                    for (long tile = 0; tile < blockRows; tile += T.Rows)
                    {
                        var validRows = Math.Min(T.Rows, blockRows - tile);
                        var tileRows = GemmPacking<T, TVector>.TileRows(validRows);
                        var a = packedA + tile * depth;
                        for (long across = 0; across < blockColumns; across += TileColumns)
                        {
                            var validColumns = Math.Min(TileColumns, blockColumns - across);
                            var c = kernel.C.At(batch, row + i + tile, column + j + across);
                            var tileBias = bias == null ? null : bias + column + j + across;
                            var direct = across < wholeColumns;
                            var panel = direct ? b + across : packedB + (across - wholeColumns) * depth;
                            var stride = direct ? kernel.B.RowStride : TileColumns;
                            if (validRows == tileRows && validColumns == TileColumns)
                            {
                                Tile(tileRows, depth, a, panel, stride, c, kernel.C.RowStride, add, tileBias);
                            }
                            else
                            {
                                Tile(tileRows, depth, a, panel, stride, edge, TileColumns, false, null);
                                CopyEdge(edge, validRows, validColumns, c, kernel.C.RowStride, add, tileBias);
                            }
                        }
                    }
                }
            }

            start += depth;
        }
        while (start < k);
    }

    private static void Tile(
        int rows, long depth, float* a, float* b, long bStride, float* c, long cStride, bool add, float* bias)
    {
        switch (rows)
        {
            case 12:
                GemmTile<T, TVector>.Rows12(depth, a, 12, b, bStride, c, cStride, add, bias);
                break;
            case 8:
                GemmTile<T, TVector>.Rows8(depth, a, 8, b, bStride, c, cStride, add, bias);
                break;
            case 6:
                GemmTile<T, TVector>.Rows6(depth, a, 6, b, bStride, c, cStride, add, bias);
                break;
            case 4:
                GemmTile<T, TVector>.Rows4(depth, a, 4, b, bStride, c, cStride, add, bias);
                break;
            default:
                GemmTile<T, TVector>.Rows1(depth, a, 1, b, bStride, c, cStride, add, bias);
                break;
        }
    }

    // The same additions in the same order as the end of a tile.
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
}
