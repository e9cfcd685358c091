namespace NetZero.Planning;

/// <summary>Bytes of model state per parameter: the parameter as it is computed with, its gradient, and what the optimizer keeps, on average.</summary>
/// <param name="ParameterBytes">The parameter.</param>
/// <param name="GradientBytes">The gradient.</param>
/// <param name="OptimizerBytes">Moments, and the fp32 master where the parameter itself is narrower.</param>
public readonly record struct StateWidths(int ParameterBytes, int GradientBytes, double OptimizerBytes)
{
    /// <summary>Adam in mixed precision, 2 + 2 + 12: 16-bit parameters and gradients; fp32 master and two moments (ZeRO, section 3.1).</summary>
    public static StateWidths MixedPrecisionAdam { get; } = new(2, 2, 12);

    /// <summary>Adam in single precision, 4 + 4 + 8: the parameters are their own master.</summary>
    public static StateWidths SinglePrecisionAdam { get; } = new(4, 4, 8);

    /// <summary>SGD with momentum in single precision, 4 + 4 + 4.</summary>
    public static StateWidths SinglePrecisionMomentum { get; } = new(4, 4, 4);

    /// <summary>SGD without momentum in single precision, 4 + 4 + 0.</summary>
    public static StateWidths SinglePrecisionSgd { get; } = new(4, 4, 0);
}
