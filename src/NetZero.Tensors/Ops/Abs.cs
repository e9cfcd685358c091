using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = |x|. Any shape. Saves x. Backward: dx = dy with the sign of x, 0 at 0.</summary>
public static class AbsOp
{
    /// <summary>The magnitude of each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Abs(this Tensor x) => Elementwise.Apply<AbsRule, AbsBackwardRule>("Abs", x, saveOutput: false);
}
