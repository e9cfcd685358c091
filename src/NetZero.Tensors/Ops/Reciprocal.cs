using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = 1 / x. Any shape. Saves y. Backward: dx = -dy y².</summary>
public static class ReciprocalOp
{
    /// <summary>One over each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Reciprocal(this Tensor x) =>
        Elementwise.Apply<ReciprocalRule, ReciprocalBackwardRule>("Reciprocal", x, saveOutput: true);
}
