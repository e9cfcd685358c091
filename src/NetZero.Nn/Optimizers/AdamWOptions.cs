namespace NetZero.Nn;

/// <summary>The settings of <see cref="AdamW"/>, with PyTorch's defaults: learning rate 1e-3, decoupled weight decay 0.01.</summary>
public sealed record AdamWOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public AdamWOptions() => (LearningRate, WeightDecay) = (1e-3, 0.01);

    /// <summary>Decay rate of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>How the moments are kept; <see cref="StateFormat.Blocks8"/> makes it the 8-bit AdamW.</summary>
    public StateFormat StateFormat { get; init; }
}
