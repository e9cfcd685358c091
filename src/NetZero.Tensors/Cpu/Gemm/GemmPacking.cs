using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors;

/// <summary>Copies blocks of A and B into panels, in the order in which the register tiles read them.</summary>
/// <remarks>
/// A tile at the edge of a block is padded with copies of its last row or column: values the tile computes with and nobody reads.
/// Elements are float or <see cref="BFloat16"/>, which is widened as it is loaded.
/// </remarks>
internal static unsafe class GemmPacking<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    // Rows of B copied together: one panel receives 8 rows of a tile's width side by side before the next panel has its turn.
    private const long CopiedRows = 8;

    // Panels of a transposed A filled together: 8 streams of writes are what a first-level cache holds wherever they lie.
    private const long CopiedPanels = 8;

    /// <summary>Rows of the tile that computes the last <paramref name="rows"/> rows of a block.</summary>
    public static int TileRows(long rows) =>
        rows == 1 ? 1
        : rows <= 4 ? 4
        : T.Rows == 6 ? 6
        : rows <= 8 ? 8
        : 12;

    /// <summary>Packs A [rows, depth] into panels of a tile's rows: panel, then column, then row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackA<TElement>(TElement* a, long rowStride, long columnStride, long rows, long depth, float* packed)
        where TElement : unmanaged
    {
        long i = 0;
        if (rowStride == 1 && T.Width >= 4)
        {
            while (i < rows)
            {
                var done = PackColumns(a + i, columnStride, rows - i, depth, packed + i * depth);
                if (done == 0)
                    break;
                i += done;
            }
        }

        for (; i < rows; i += T.Rows)
        {
            var valid = Math.Min(T.Rows, rows - i);
            PackPanel(a + i * rowStride, rowStride, columnStride, valid, rows - i, TileRows(valid), depth, packed + i * depth);
        }
    }

    /// <summary>Packs B [depth, columns] into panels of a tile's columns: panel, then row, then column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackB<TElement>(TElement* b, long rowStride, long columnStride, long depth, long columns, float* packed)
        where TElement : unmanaged
    {
        var width = 2 * T.Width;
        var whole = columns / width * width;
        if (columnStride == 1)
        {
            for (long p = 0; p < depth; p += CopiedRows)
            {
                var end = Math.Min(p + CopiedRows, depth);
                for (long j = 0; j < whole; j += width)
                {
                    var target = packed + j * depth + p * width;
                    var source = b + j + p * rowStride;
                    for (var q = p; q < end; q++)
                    {
                        T.Store(Load(source), target);
                        T.Store(Load(source + T.Width), target + T.Width);
                        source += rowStride;
                        target += width;
                    }
                }
            }
        }
        else
        {
            for (long j = 0; j < whole; j += width)
                PackPanel(b + j * columnStride, columnStride, rowStride, width, width, width, depth, packed + j * depth);
        }

        if (whole < columns)
            PackPanel(b + whole * columnStride, columnStride, rowStride, columns - whole, columns - whole, width, depth, packed + whole * depth);
    }

    // A whose columns lie side by side: whole columns at a time, because each may be on a page of its own. Returns how many rows are done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long PackColumns<TElement>(TElement* a, long columnStride, long rows, long depth, float* packed)
        where TElement : unmanaged
    {
        // The panels that may be read in whole vectors, because enough rows follow.
        var read = (T.Rows + T.Width - 1) / T.Width * T.Width;
        var whole = rows < read ? 0 : Math.Min(CopiedPanels, (rows - read) / T.Rows + 1) * T.Rows;
        for (long p = 0; p < depth - 1; p++)
        {
            var source = a + p * columnStride;
            var target = packed + p * T.Rows;
            for (long i = 0; i < whole; i += T.Rows)
            {
                // What passes the end of this column is overwritten by the next, which is why the last one is not copied here.
                for (var line = 0; line < T.Rows; line += T.Width)
                    T.Store(Load(source + i + line), target + line);
                target += T.Rows * depth;
            }
        }

        for (long i = 0; i < whole; i += T.Rows)
            CopyElements(a + i, 1, columnStride, T.Rows, T.Rows, depth - 1, depth, packed + i * depth);
        return whole;
    }

    // One panel: element (line, p) of the source, lines being rows of A or columns of B, goes to packed[p * width + line]. Of the
    // readable lines, the first belong to the panel, the others to the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackPanel<TElement>(
        TElement* source, long lineStride, long depthStride, long lines, long readable, int width, long depth, float* packed)
        where TElement : unmanaged
    {
        if (typeof(TElement) == typeof(float) && depthStride == 1 && lines == width && width >= 4
            && readable >= (width + 3) / 4 * 4 && T.Width >= 4)
            Transpose((float*)source, lineStride, width, depth, packed);
        else if (lineStride == 1 && lines == width && width >= 4)
            CopyLines(source, depthStride, width, depth, packed);
        else
            CopyElements(source, lineStride, depthStride, lines, width, 0, depth, packed);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(float* source, long lineStride, int width, long depth, float* packed)
    {
        var whole = depth / 4 * 4;
        for (var line = (width - 1) / T.Width * T.Width; line >= 0; line -= T.Width)
        {
            // Groups a vector has and the panel has not are read from the first again. What is stored past the panel's lines (of 6, rows 6 and 7
            // too) is overwritten by the next column, which is why the last lines come first, and at the end by the next panel, or never read.
            var groups = (Math.Min(T.Width, width - line) + 3) / 4;
            var group0 = source + line * lineStride;
            var group1 = groups > 1 ? group0 + 4 * lineStride : group0;
            var group2 = groups > 2 ? group0 + 8 * lineStride : group0;
            var group3 = groups > 3 ? group0 + 12 * lineStride : group0;
            var target = packed + line;
            for (long p = 0; p < whole; p += 4)
                T.Transpose(group0 + p, group1 + p, group2 + p, group3 + p, lineStride, target + p * width, width);
        }

        CopyElements(source, lineStride, 1, width, width, whole, depth, packed);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyLines<TElement>(TElement* source, long depthStride, int width, long depth, float* packed)
        where TElement : unmanaged
    {
        for (long p = 0; p < depth; p++)
        {
            var line = 0;
            for (; line <= width - 4; line += 4)
                Load4(source + line).Store(packed + line);
            for (; line < width; line++)
                packed[line] = Single(source[line]);
            source += depthStride;
            packed += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyElements<TElement>(
        TElement* source, long lineStride, long depthStride, long lines, int width, long start, long depth, float* packed)
        where TElement : unmanaged
    {
        for (var p = start; p < depth; p++)
        {
            for (long line = 0; line < width; line++)
                packed[p * width + line] = Single(source[Math.Min(line, lines - 1) * lineStride + p * depthStride]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load<TElement>(TElement* source)
        where TElement : unmanaged =>
        typeof(TElement) == typeof(float) ? T.Load((float*)source) : T.LoadBFloat16((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Load4<TElement>(TElement* source)
        where TElement : unmanaged =>
        typeof(TElement) == typeof(float) ? Vector128.Load((float*)source) : TileVector128.LoadBFloat16((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Single<TElement>(TElement element)
        where TElement : unmanaged =>
        typeof(TElement) == typeof(float) ? Unsafe.BitCast<TElement, float>(element) : (float)Unsafe.BitCast<TElement, BFloat16>(element);
}
