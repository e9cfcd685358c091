namespace NetZero.Nn;

/// <summary>The settings of <see cref="Sgd"/>. Weight decay is added to the gradient as decay times value. The learning rate's default is 1e-2.</summary>
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public SgdOptions() => LearningRate = 1e-2;

    /// <summary>How much of the last update is kept; 0 is none and needs no state.</summary>
    public double Momentum { get; init; }

    /// <summary>How the momentum buffer is kept.</summary>
    public StateFormat StateFormat { get; init; }
}
