namespace NetZero.Training;

/// <summary>How a <see cref="TrainingBenchmark"/> runs.</summary>
public sealed record TrainingBenchmarkOptions
{
    /// <summary>The work.</summary>
    public required BenchmarkShape Shape { get; init; }

    /// <summary>Ranks as threads.</summary>
    public int Ranks { get; init; } = 2;

    /// <summary>The ZeRO stage.</summary>
    public int Stage { get; init; } = 3;

    /// <summary>Threads of each rank.</summary>
    public int ThreadsPerRank { get; init; } = 1;

    /// <summary>Steps that count, after the warm-up.</summary>
    public int Steps { get; init; } = 10;
}
