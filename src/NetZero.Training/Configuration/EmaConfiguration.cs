namespace NetZero.Training;

/// <summary>The section <c>ema</c>: an exponential moving average of the weights, kept in fp32 beside the optimizer's states.</summary>
public sealed record EmaConfiguration
{
    /// <summary>How much of the average stays at each step; 0 keeps none.</summary>
    public double Decay { get; init; }

    /// <summary>Whether the validation text is evaluated with the average.</summary>
    public bool Evaluate { get; init; } = true;

    /// <summary>Whether the trained model that the run writes is the average.</summary>
    public bool Save { get; init; } = true;

    /// <summary>Whether there is an average.</summary>
    public bool IsOn => Decay > 0;
}
