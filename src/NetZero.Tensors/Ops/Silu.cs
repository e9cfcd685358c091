using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x σ(x), σ(x) = 1 / (1 + e^-x) (Elfwing, Uchibe, Doya 2017; also called swish). Any shape. Saves x. Backward: dx = dy (σ + x σ (1 -
/// σ)).
/// </summary>
public static class SiluOp
{
    /// <summary>Each element times its logistic function.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Silu(this Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Context.Composes<UnaryKernel<SiluRule>, BinaryKernel<SiluBackwardRule>>("Silu", x.DType, "a product and a logistic function")
            ? x * x.Sigmoid()
            : Elementwise.Apply<SiluRule, SiluBackwardRule>("Silu", x, saveOutput: false);
    }
}
