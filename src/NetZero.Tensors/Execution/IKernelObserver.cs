namespace NetZero.Tensors;

/// <summary>Told of each kernel call of a <see cref="TensorContext"/>, on the rank's thread, after the device was given it.</summary>
public interface IKernelObserver
{
    /// <summary>A kernel has been called.</summary>
    void OnLaunch(in KernelLaunch launch);
}

/// <summary>A kernel call as it happened.</summary>
/// <param name="Kernel">The kernel's name, with the rule that it applies: <c>Gemm</c>, <c>Unary Gelu</c>.</param>
/// <param name="DType">The type of the elements that it computes with.</param>
/// <param name="Work">What it computes and moves.</param>
/// <param name="Start">When it began, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="End">When the call returned: it had ended by then, except on devices that run it later, and on Meta, where it never runs.</param>
public readonly record struct KernelLaunch(string Kernel, DType DType, KernelWork Work, long Start, long End);
