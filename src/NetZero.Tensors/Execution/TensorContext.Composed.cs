namespace NetZero.Tensors;

public sealed partial class TensorContext
{
    private readonly HashSet<(string Op, DType DType)> _composed = [];

    /// <summary>Told in a line, once for each op and type, what is computed from other ops because the device has no kernel for it; null is nobody.</summary>
    public Action<string>? Notice { get; set; }

    /// <summary>Whether an op must be computed from others, because the device lacks a kernel that it takes.</summary>
    /// <typeparam name="TForward">The kernel of its forward pass.</typeparam>
    /// <typeparam name="TBackward">The kernel of its backward pass.</typeparam>
    /// <param name="op">The op.</param>
    /// <param name="dtype">The type of its elements.</param>
    /// <param name="parts">What it is computed from instead, for the notice.</param>
    internal bool Composes<TForward, TBackward>(string op, DType dtype, string parts)
        where TForward : struct, IKernel
        where TBackward : struct, IKernel
    {
        var kernels = Device.Kernels;
        if (kernels.Has<TForward>(dtype) && kernels.Has<TBackward>(dtype))
            return false;
        if (_composed.Add((op, dtype)))
            Notice?.Invoke($"The device '{Device}' has no kernel of its own for {op} on {dtype}; it is computed from {parts}, which takes more time and memory.");
        return true;
    }
}
