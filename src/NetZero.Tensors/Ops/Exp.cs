using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = e^x. Any shape. Saves y. Backward: dx = dy y.</summary>
public static class ExpOp
{
    /// <summary>e to the power of each element; 0 where that would be below the normal numbers.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Exp(this Tensor x) => Elementwise.Apply<ExpRule, MultiplyRule>("Exp", x, saveOutput: true);
}
