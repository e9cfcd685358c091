namespace NetZero.Planning;

/// <summary>What a step is predicted to take.</summary>
public sealed record StepPrediction
{
    /// <summary>Seconds of the whole step.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Of those, forward and backward.</summary>
    public required double ComputeSeconds { get; init; }

    /// <summary>Of those, waiting for tensor-parallel collectives.</summary>
    public required double TensorSeconds { get; init; }

    /// <summary>Of those, waiting for gathers and reductions, and compute that these slow down.</summary>
    public required double ExposedSeconds { get; init; }

    /// <summary>Of those, the update.</summary>
    public required double UpdateSeconds { get; init; }

    /// <summary>Of those, idling for other pipeline stages.</summary>
    public required double BubbleSeconds { get; init; }

    /// <summary>Of those, waiting for the host's memory.</summary>
    public double OffloadSeconds { get; init; }

    /// <summary>Of those, reading micro-batches.</summary>
    public double LoadSeconds { get; init; }

    /// <summary>Seconds that links are busy, hidden or not.</summary>
    public required double CommunicationSeconds { get; init; }

    /// <summary>Seconds of kernels by name on one rank, without what calling them costs; empty for systems that are not NetZero.</summary>
    public IReadOnlyDictionary<string, double> KernelSeconds { get; init; } = new Dictionary<string, double>();

    /// <summary>Tokens per second and device.</summary>
    public required double TokensPerSecondPerDevice { get; init; }

    /// <summary>Model FLOP/s over nominal FLOP/s of the dtype bf16 (PaLM's convention, also for fp8).</summary>
    public required double Mfu { get; init; }

    /// <summary>The first micro-batches of the step on one rank, task by task.</summary>
    public required IReadOnlyList<TimedTask> Timeline { get; init; }
}
