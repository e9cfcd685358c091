using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = tanh x. Any shape. Saves y. Backward: dx = dy (1 - y²).</summary>
public static class TanhOp
{
    /// <summary>The hyperbolic tangent of each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Tanh(this Tensor x) => Elementwise.Apply<TanhRule, TanhBackwardRule>("Tanh", x, saveOutput: true);
}
