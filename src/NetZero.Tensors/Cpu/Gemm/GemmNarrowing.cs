namespace NetZero.Tensors;

/// <summary>Multiplications whose result is 16-bit: computed in fp32 a rectangle at a time, and rounded once when all of k has been summed.</summary>
internal static unsafe class GemmNarrowing<T, TVector>
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    /// <summary>Computes rows [row, row + rows) and columns [column, column + columns) of C.</summary>
    public static void Run(in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace)
    {
        var rectangle = workspace + GemmBlocking.WorkspacePerThread(kernel.M, kernel.N, kernel.K) + GemmWidening.Floats;
        for (long i = 0; i < rows; i += GemmNarrowing.Rows)
            for (long j = 0; j < columns; j += GemmNarrowing.Columns)
                Rectangle(
                    kernel, batch, row + i, Math.Min(GemmNarrowing.Rows, rows - i), column + j, Math.Min(GemmNarrowing.Columns, columns - j), workspace,
                    rectangle);
    }

    private static void Rectangle(
        in GemmKernel kernel, long batch, long row, long rows, long column, long columns, float* workspace, float* rectangle)
    {
        var c = kernel.C.ElementsAt(batch, row, column);
        for (long i = 0; kernel.Accumulate && i < rows; i++)
            c.At(i * kernel.C.RowStride).Read(columns, rectangle + i * columns);

        // Addressed as the whole C is.
        var target = new GemmMatrix(rectangle - (row * columns + column), columns, 1);
        var single = new GemmKernel(
            kernel.M, kernel.N, kernel.K, kernel.Batch, kernel.A, kernel.B, target, kernel.Accumulate, kernel.Bias, kernel.Workspace);
        GemmBlock<T, TVector>.Run(single, batch, row, rows, column, columns, workspace);
        for (long i = 0; i < rows; i++)
            c.At(i * kernel.C.RowStride).Write(rectangle + i * columns, columns);
    }
}

/// <summary>The rectangles of <see cref="GemmNarrowing{T, TVector}"/>.</summary>
internal static class GemmNarrowing
{
    /// <summary>Rows: B is packed again for each rectangle, which costs a twentieth of the time at 512.</summary>
    public const long Rows = 512;

    /// <summary>Columns: A is packed again for each.</summary>
    public const long Columns = 512;

    /// <summary>Floats of workspace for one thread: 1 MiB, or less for a small result.</summary>
    public static long Floats(long m, long n) => Math.Min(m, Rows) * Math.Min(n, Columns);
}
