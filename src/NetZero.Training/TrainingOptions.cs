namespace NetZero.Training;

/// <summary>What is asked of one run beyond its configuration: nothing here changes a number.</summary>
public sealed record TrainingOptions
{
    /// <summary>Whether a run that the output folder already holds is replaced. Otherwise it is an error.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether <c>trace.json</c> is written.</summary>
    public bool Trace { get; init; }
}
