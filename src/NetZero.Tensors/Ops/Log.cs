using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = ln x. Any shape. Saves x. Backward: dx = dy / x.</summary>
public static class LogOp
{
    /// <summary>The natural logarithm of each element; -infinity of 0, NaN below.</summary>
    /// <exception cref="ArgumentException">Not F32.</exception>
    public static Tensor Log(this Tensor x) => Elementwise.Apply<LogRule, LogBackwardRule>("Log", x, saveOutput: false);
}
