namespace NetZero.Planning;

/// <summary>What was measured on a machine while a number of ranks trained on it.</summary>
public sealed record DeviceUse
{
    /// <summary>Ranks that were busy at once.</summary>
    public required int Ranks { get; init; }

    /// <summary>Threads of each.</summary>
    public required int Threads { get; init; }

    /// <summary>Seconds that a kernel call costs beside the kernel: shapes, memory, the tape.</summary>
    public required double LaunchSeconds { get; init; }

    /// <summary>Seconds of a step outside kernels, collectives and calls.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Seconds to read one token of a text.</summary>
    public required double LoadSecondsPerToken { get; init; }

    /// <summary>Kernels and collectives by name; bytes of a collective are those that a rank sends.</summary>
    public required IReadOnlyDictionary<string, KernelRate> Kernels { get; init; }
}
