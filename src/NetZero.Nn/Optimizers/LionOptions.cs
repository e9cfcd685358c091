namespace NetZero.Nn;

/// <summary>The settings of <see cref="Lion"/>, with the paper's defaults: learning rate 1e-4, no weight decay (which is decoupled).</summary>
public sealed record LionOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public LionOptions() => LearningRate = 1e-4;

    /// <summary>How much of the momentum goes into the direction.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the momentum.</summary>
    public double Beta2 { get; init; } = 0.99;

    /// <summary>How the momentum is kept.</summary>
    public StateFormat StateFormat { get; init; }
}
