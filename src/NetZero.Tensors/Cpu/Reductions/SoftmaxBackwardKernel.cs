namespace NetZero.Tensors.Cpu;

/// <summary>
/// dx from y and dy, row by row of contiguous matrices: y·(dy - Σ y·dy) for softmax, dy - e^y·Σ dy for its logarithm; += when accumulating.
/// </summary>
internal readonly unsafe struct SoftmaxBackwardKernel(
    float* y, float* dy, float* dx, long rows, long columns, bool logarithm, bool accumulate)
    : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(y);
        arguments.Add(dy);
        arguments.Add(dx);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(logarithm);
        arguments.Add(accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass((accumulate ? 4 : 3) * rows * columns);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(SoftmaxRows.Tasks(rows, columns), ref body);
    }

    public void Run(long index, int worker)
    {
        var (start, end) = SoftmaxRows.Range(index, rows, columns);
        for (var row = start; row < end; row++)
        {
            var at = row * columns;
            if (logarithm)
            {
                var rule = new LogSoftmaxBackwardRule((float)RowReductions.Sum(dy + at, columns));
                BinaryLoop.Run(rule, y + at, dy + at, dx + at, columns, accumulate);
            }
            else
            {
                var rule = new SoftmaxBackwardRule((float)RowReductions.Dot(y + at, dy + at, columns));
                BinaryLoop.Run(rule, y + at, dy + at, dx + at, columns, accumulate);
            }
        }
    }
}
