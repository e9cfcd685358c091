using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Packs blocks of A and B of any floating-point type into blocks of fp32, which is what the tiles read.</summary>
/// <remarks>
/// See [Note: 16-bit operands] in <see cref="FloatPointer"/>. bfloat16 is widened as it is loaded where a panel's lines lie side by side;
/// where panels are made by transposing, and of half, a few panels are widened first.
/// </remarks>
internal static unsafe class GemmWidening<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    /// <summary>Packs A [rows, depth] as <see cref="GemmPacking{T, TVector}.PackA"/> does.</summary>
    /// <param name="a">Element (0, 0).</param>
    /// <param name="rowStride">Elements from one row to the next.</param>
    /// <param name="columnStride">Elements from one column to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="depth">Columns.</param>
    /// <param name="packed">Receives the panels.</param>
    /// <param name="wide">Room for <see cref="GemmWidening.Floats"/>; not used where A is fp32.</param>
    public static void PackA(FloatPointer a, long rowStride, long columnStride, long rows, long depth, float* packed, float* wide)
    {
        if (a.IsFloat)
        {
            GemmPacking<T, TVector>.PackA(a.Floats, rowStride, columnStride, rows, depth, packed);
            return;
        }

        if (a.DType == DType.BF16 && rowStride == 1)
        {
            GemmPacking<T, TVector>.PackA((BFloat16*)a.Data, rowStride, columnStride, rows, depth, packed);
            return;
        }

        // Column by column, eight panels wide; where columns lie side by side, a panel of rows at a time.
        var byColumns = columnStride != 1;
        long step = byColumns ? GemmWidening.Panels * T.Rows : T.Rows;
        for (long i = 0; i < rows; i += step)
        {
            var count = Math.Min(step, rows - i);
            var part = a.At(i * rowStride);
            if (byColumns)
                Widen(part, columnStride, depth, depth, rowStride, count, wide);
            else
                Widen(part, rowStride, count, rows - i, 1, depth, wide);
            GemmPacking<T, TVector>.PackA(wide, byColumns ? 1 : depth, byColumns ? count : 1, count, depth, packed + i * depth);
        }
    }

    /// <summary>A [rows, depth], whose columns lie side by side, as rows of floats: for tiles that read rows as they lie.</summary>
    public static void Rows(FloatPointer a, long rowStride, long rows, long depth, float* wide) =>
        Widen(a, rowStride, rows, rows, 1, depth, wide);

    /// <summary>Packs B [depth, columns] as <see cref="GemmPacking{T, TVector}.PackB"/> does.</summary>
    /// <param name="b">Element (0, 0).</param>
    /// <param name="rowStride">Elements from one row to the next.</param>
    /// <param name="columnStride">Elements from one column to the next.</param>
    /// <param name="depth">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="packed">Receives the panels.</param>
    /// <param name="wide">Room for <see cref="GemmWidening.Floats"/>; not used where B is fp32.</param>
    public static void PackB(FloatPointer b, long rowStride, long columnStride, long depth, long columns, float* packed, float* wide)
    {
        if (b.IsFloat)
        {
            GemmPacking<T, TVector>.PackB(b.Floats, rowStride, columnStride, depth, columns, packed);
            return;
        }

        if (b.DType == DType.BF16 && columnStride == 1)
        {
            GemmPacking<T, TVector>.PackB((BFloat16*)b.Data, rowStride, columnStride, depth, columns, packed);
            return;
        }

        var acrossColumns = columnStride == 1;
        long step = acrossColumns ? 4 * T.Width : 2 * T.Width;
        for (long j = 0; j < columns; j += step)
        {
            var count = Math.Min(step, columns - j);
            if (acrossColumns)
                Widen(b.At(j), rowStride, depth, depth, 1, count, wide);
            else
                Widen(b.At(j * columnStride), columnStride, count, columns - j, rowStride, depth, wide);
            GemmPacking<T, TVector>.PackB(wide, acrossColumns ? count : 1, acrossColumns ? 1 : depth, depth, count, packed + j * depth);
        }
    }

    // Lines of elements: each becomes a contiguous line of floats. Of the lines that there are, those a few further on are asked for: they
    // are too short for the processor to see streams in time, and most of the time went into waiting.
    private static void Widen(FloatPointer source, long lineStride, long lines, long existing, long stride, long length, float* wide)
    {
        for (long line = 0; line < lines; line++)
        {
            if (stride == 1 && line + GemmWidening.LinesAhead < existing)
            {
                var ahead = (ushort*)source.At((line + GemmWidening.LinesAhead) * lineStride).Data;
                for (long p = 0; p < length; p += GemmWidening.CacheLine)
                    T.Prefetch((float*)(ahead + p));
            }

            source.At(line * lineStride).Read(stride, (int)length, wide + line * length);
        }
    }
}

/// <summary>The room that <see cref="GemmWidening{T, TVector}"/> needs.</summary>
internal static class GemmWidening
{
    /// <summary>Panels of A that are widened together where its rows lie side by side.</summary>
    public const int Panels = 8;

    /// <summary>How far ahead lines are asked for: 4 of 384 elements are 3 KiB, some 300 cycles of widening.</summary>
    public const long LinesAhead = 4;

    /// <summary>16-bit elements in a line of the caches.</summary>
    public const long CacheLine = 32;

    /// <summary>Floats of workspace for one thread: the widest lines of all vector widths. 144 KiB, in the second-level cache.</summary>
    public const long Floats = Panels * GemmBlocking.MaxTileRows * GemmBlocking.MaxDepth;
}
