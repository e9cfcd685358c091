namespace NetZero.Tensors;

/// <summary>factor = 1 / (√sum + epsilon), in double precision and rounded once: what brings a tensor, whose squares add up to the sum, to a norm of 1.</summary>
/// <param name="sum">The sum of the squares.</param>
/// <param name="epsilon">Divides nothing by zero.</param>
/// <param name="factor">The factor.</param>
public readonly unsafe struct InverseNormKernel(double* sum, double epsilon, float* factor) : IKernel
{
    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(sum);
        arguments.Add(epsilon);
        arguments.Add(factor);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(1);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => *factor = (float)(1 / (Math.Sqrt(*sum) + epsilon));
}
