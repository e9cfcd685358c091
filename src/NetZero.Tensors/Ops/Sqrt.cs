using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = √x, or y = 1 / √x. Any shape. Saves y. Backward: dx = dy / 2y, or dx = -dy y³ / 2.</summary>
public static class SqrtOp
{
    /// <summary>The square root of each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Sqrt(this Tensor x) => Elementwise.Apply<SqrtRule, SqrtBackwardRule>("Sqrt", x, saveOutput: true);

    /// <summary>One over the square root of each element.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Rsqrt(this Tensor x) => Elementwise.Apply<RsqrtRule, RsqrtBackwardRule>("Rsqrt", x, saveOutput: true);
}
