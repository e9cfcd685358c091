namespace NetZero.Tensors.Cpu;

/// <summary>y += weight x, for one number in double precision.</summary>
internal readonly unsafe struct AddNumberKernel(float* x, double weight, double* y) : IKernel
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(weight);
        arguments.Add(y);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(1);

    public void Run(WorkerPool workers) => *y += *x * weight;
}
