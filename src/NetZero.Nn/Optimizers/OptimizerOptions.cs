namespace NetZero.Nn;

/// <summary>What all optimizers have in common.</summary>
public abstract record OptimizerOptions
{
    /// <summary>The learning rate before any schedule.</summary>
    public double LearningRate { get; init; }

    /// <summary>Weight decay; whether it is decoupled from the gradient, the optimizer says. 0 is off.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether vectors and scalars decay as well; otherwise only tensors of two or more dimensions do.</summary>
    public bool WeightDecayAll { get; init; }

    /// <summary>How much of an exponential moving average of the values stays at each step, such as 0.999; 0 keeps no average. It costs 4 bytes for each element of the shards.</summary>
    public double AverageDecay { get; init; }

    /// <summary>Parameters with settings of their own; a parameter belongs to the first group whose pattern fits its name.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];
}
