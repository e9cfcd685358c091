namespace NetZero.Nn;

/// <summary>The settings of <see cref="AdamW"/>, with PyTorch's defaults.</summary>
public sealed record AdamWOptions
{
    /// <summary>The learning rate before any schedule.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decay rate of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Whether vectors and scalars decay as well; otherwise only tensors of two or more dimensions do.</summary>
    public bool WeightDecayAll { get; init; }
}
