namespace NetZero.Nn;

/// <summary>The settings of <see cref="Muon"/>, with PyTorch's defaults: learning rate 1e-3, weight decay 0.1, Nesterov momentum 0.95, five steps.</summary>
public sealed record MuonOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public MuonOptions() => (LearningRate, WeightDecay) = (1e-3, 0.1);

    /// <summary>How much of the mean of a matrix's gradients stays.</summary>
    public double Momentum { get; init; } = 0.95;

    /// <summary>Whether the direction looks ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>Newton-Schulz steps.</summary>
    public int Steps { get; init; } = 5;

    /// <summary>Patterns of the matrices that AdamW updates: embeddings and heads. Vectors are its in any case.</summary>
    public IReadOnlyList<string> AdamWParameters { get; init; } = [];

    /// <summary>AdamW's decay rate of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay rate of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of AdamW's second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>How the moments are kept.</summary>
    public StateFormat StateFormat { get; init; }

    /// <summary>What is wrong with patterns that no parameter fits: a message, or null where each has one.</summary>
    public static string? FindUnused(IReadOnlyList<string> patterns, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        var all = names.ToList();
        return patterns.FirstOrDefault(pattern => !all.Any(name => NamePattern.Matches(pattern, name))) is { } unused
            ? $"the pattern '{unused}' fits no parameter; parameters are named {NamePattern.Sample(all)}"
            : null;
    }
}
