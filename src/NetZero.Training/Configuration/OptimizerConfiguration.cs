namespace NetZero.Training;

/// <summary>The optimizers.</summary>
public enum OptimizerKind
{
    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Stochastic gradient descent, with momentum if asked for.</summary>
    Sgd,
}

/// <summary>The section <c>optimizer</c> with its <c>params</c>.</summary>
public sealed record OptimizerConfiguration
{
    /// <summary>The optimizer.</summary>
    public OptimizerKind Type { get; init; } = OptimizerKind.AdamW;

    /// <summary>The learning rate that the schedule starts from.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>AdamW: decay rates of the first and second moment, each below 1.</summary>
    public (double First, double Second) Betas { get; init; } = (0.9, 0.999);

    /// <summary>AdamW: added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>How much of a weight is taken off per step, times the learning rate; 0 is off.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether vectors (biases, norm weights) decay too, not just tensors of two and more dimensions.</summary>
    public bool WeightDecayAll { get; init; }

    /// <summary>SGD: the share of the last step that is kept; 0 is off.</summary>
    public double Momentum { get; init; }
}
