namespace NetZero.Tensors.Cpu;

/// <summary>y[i] = weight[ids[i]]: rows of a table, gathered.</summary>
/// <remarks>ids [count] (I32 or I64), weight [vocabulary, columns], y [count, columns] of one type, contiguous.</remarks>
internal readonly unsafe struct EmbeddingForwardKernel(
    void* ids, DType idType, FloatPointer weight, FloatPointer y, long count, long vocabulary, long columns) : IKernel, IParallelBody
{
    // Rows a task copies: enough to outweigh handing out the task.
    private const long RowsPerTask = 32;

    /// <inheritdoc/>
    public DType DType => weight.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(ids);
        arguments.Add(idType);
        arguments.Add(weight);
        arguments.Add(y);
        arguments.Add(count);
        arguments.Add(vocabulary);
        arguments.Add(columns);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(count * columns, weight.ElementBytes + y.ElementBytes);

    /// <exception cref="ArgumentException">An id lies outside of [0, vocabulary).</exception>
    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((count + RowsPerTask - 1) / RowsPerTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var last = Math.Min(count, (index + 1) * RowsPerTask);
        for (var i = index * RowsPerTask; i < last; i++)
        {
            var id = EmbeddingIds.At("Embedding", ids, idType, i, vocabulary);
            Buffer.MemoryCopy(weight.At(id * columns).Data, y.At(i * columns).Data, columns * y.ElementBytes, columns * y.ElementBytes);
        }
    }
}
