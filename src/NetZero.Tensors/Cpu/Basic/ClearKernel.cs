using System.Runtime.InteropServices;

namespace NetZero.Tensors;

/// <summary>All bytes become 0.</summary>
internal readonly unsafe struct ClearKernel(void* y, long bytes) : IKernel
{
    /// <inheritdoc/>
    public DType DType => DType.U8;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(y);
        arguments.Add(bytes);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, bytes);

    public void Run(WorkerPool workers) => NativeMemory.Clear(y, (nuint)bytes);
}
