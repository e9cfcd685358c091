namespace NetZero.Tensors;

/// <summary>
/// One kernel call as a value: its arguments are the fields, the CPU implementation is <see cref="Run"/>.
/// </summary>
/// <remarks>
/// Ops hand kernels to the context (<c>TensorContext.Launch</c>), and the context's device decides what that means: the CPU runs them
/// at once, <c>Meta</c> does not run them at all. A device with kernels of its own finds them in its <see cref="KernelRegistry"/>.
/// </remarks>
public interface IKernel
{
    /// <summary>What the call computes and moves at the least: what the planner times it by.</summary>
    KernelWork Work { get; }

    /// <summary>The type of the elements that it works on, by which devices choose their kernel: that of its first operand, and for optimizers that of the gradients.</summary>
    DType DType { get; }

    /// <summary>Lists its arguments, in the order of its constructor, for devices with kernels of their own.</summary>
    void Describe(ref KernelArguments arguments);

    /// <summary>Computes on the CPU with the given workers. Must give the same bits for any number of threads.</summary>
    void Run(WorkerPool workers);
}
