namespace NetZero.Nn;

/// <summary>The settings of <see cref="Sgd"/>.</summary>
public sealed record SgdOptions
{
    /// <summary>The learning rate before any schedule.</summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>How much of the last update is kept; 0 is none and needs no state.</summary>
    public double Momentum { get; init; }

    /// <summary>Added to the gradient as weight times value.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether vectors and scalars decay as well; otherwise only tensors of two or more dimensions do.</summary>
    public bool WeightDecayAll { get; init; }
}
