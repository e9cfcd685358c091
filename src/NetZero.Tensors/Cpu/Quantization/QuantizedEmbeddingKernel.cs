namespace NetZero.Tensors.Cpu;

/// <summary>y[i, :] = what the codes of row ids[i] stand for.</summary>
internal readonly unsafe struct QuantizedEmbeddingKernel(byte* codes, BlockFormat format, long rows, long columns, int* ids, long count, float* y) : IKernel
{
    /// <inheritdoc/>
    public DType DType => DType.U8;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(codes);
        arguments.Add((long)format);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(ids);
        arguments.Add(count);
        arguments.Add(y);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, (double)count * columns * (sizeof(float) + 1));

    /// <exception cref="ArgumentException">An id lies outside of [0, rows).</exception>
    public void Run(WorkerPool workers)
    {
        for (long i = 0; i < count; i++)
        {
            var id = EmbeddingIds.At("Embedding", ids, DType.I32, i, rows);
            new DequantizeKernel(codes, format, rows * columns, id * columns, y + (i * columns), columns).Run(workers);
        }
    }
}
