using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³), or exactly y = x (1 + erf(x / √2)) / 2 (Hendrycks and Gimpel 2016, section 2).
/// Any shape.
/// Saves x. Backward: dx = dy y'(x), computed from x.
/// </summary>
public static class GeluOp
{
    /// <summary>GELU by tanh, as GPT-2 (<c>gelu_new</c>).</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Gelu(this Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Context.Composes<UnaryKernel<GeluRule>, BinaryKernel<GeluBackwardRule>>("Gelu", x.DType, "products and a tanh")
            ? Composed(x)
            : Elementwise.Apply<GeluRule, GeluBackwardRule>("Gelu", x, saveOutput: false);
    }

    // In fp32, as the kernel computes.
    private static Tensor Composed(Tensor x)
    {
        var wide = x.Cast(DType.F32);
        var u = (float)Math.Sqrt(2 / Math.PI) * (wide + (0.044715f * (wide * wide * wide)));
        return (0.5f * wide * (1 + u.Tanh())).Cast(x.DType);
    }

    /// <summary>GELU by erf.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor GeluExact(this Tensor x) =>
        Elementwise.Apply<GeluExactRule, GeluExactBackwardRule>("GeluExact", x, saveOutput: false);
}
