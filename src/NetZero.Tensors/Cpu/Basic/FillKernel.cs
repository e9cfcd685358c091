namespace NetZero.Tensors;

/// <summary>y[i] = value.</summary>
internal readonly unsafe struct FillKernel(float* y, long count, float value) : IKernel
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(y);
        arguments.Add(count);
        arguments.Add(value);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(count);

    public void Run(WorkerPool workers)
    {
        for (long done = 0; done < count; done += int.MaxValue)
            new Span<float>(y + done, (int)Math.Min(int.MaxValue, count - done)).Fill(value);
    }
}
