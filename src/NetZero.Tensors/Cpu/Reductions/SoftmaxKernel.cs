namespace NetZero.Tensors.Cpu;

/// <summary>
/// y[r, :] = e^(x[r, :] - max) / Σ over rows of a contiguous matrix, or x - max - ln Σ for the logarithm. y may be x for the former.
/// </summary>
internal readonly unsafe struct SoftmaxKernel(float* x, float* y, long rows, long columns, bool logarithm) : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(y);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(logarithm);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(2 * rows * columns);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(SoftmaxRows.Tasks(rows, columns), ref body);
    }

    public void Run(long index, int worker)
    {
        var (start, end) = SoftmaxRows.Range(index, rows, columns);
        for (var row = start; row < end; row++)
            Row(x + (row * columns), y + (row * columns));
    }

    private void Row(float* source, float* target)
    {
        var max = RowReductions.Max(source, columns);
        UnaryLoop.Run(new ExpOfDifferenceRule(max), source, target, columns, accumulate: false);
        var sum = RowReductions.Sum(target, columns);
        if (logarithm)
            UnaryLoop.Run(new LogSoftmaxRule(max, (float)Math.Log(sum)), source, target, columns, accumulate: false);
        else
            UnaryLoop.Run(new ScaleRule((float)(1 / sum)), target, target, columns, accumulate: false);
    }
}

/// <summary>How rows are dealt to tasks: about <see cref="StridedPlan.ElementsPerTask"/> elements each.</summary>
internal static class SoftmaxRows
{
    public static long Tasks(long rows, long columns) => columns == 0 ? 0 : (rows + PerTask(columns) - 1) / PerTask(columns);

    public static (long Start, long End) Range(long task, long rows, long columns) =>
        (task * PerTask(columns), Math.Min(rows, (task + 1) * PerTask(columns)));

    private static long PerTask(long columns) => Math.Max(1, StridedPlan.ElementsPerTask / columns);
}
