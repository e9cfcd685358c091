using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = max(x, 0). Any shape. Saves y. Backward: dx = dy where y is positive (which is where x is), 0 elsewhere.</summary>
public static class ReluOp
{
    /// <summary>Each element, or 0 where it is negative.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Relu(this Tensor x) => Elementwise.Apply<ReluRule, ReluBackwardRule>("Relu", x, saveOutput: true);
}
