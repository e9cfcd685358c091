using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = 1 / (1 + e^-x). Any shape. Saves y. Backward: dx = dy y (1 - y).</summary>
public static class SigmoidOp
{
    /// <summary>The logistic function of each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Sigmoid(this Tensor x) => Elementwise.Apply<SigmoidRule, SigmoidBackwardRule>("Sigmoid", x, saveOutput: true);
}
