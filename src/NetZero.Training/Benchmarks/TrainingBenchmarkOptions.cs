using NetZero.Sharding;

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

    /// <summary>In which types it computes: fp32, bf16 or fp16, by the names of <see cref="Precisions"/>.</summary>
    public string Precision { get; init; } = "fp32";

    /// <summary>The rank of adapters of <c>c_attn</c> that are trained in the place of the model; 0 trains the model.</summary>
    public int LoraRank { get; init; }

    /// <summary>The precisions by name; half scales its loss.</summary>
    public static IReadOnlyDictionary<string, MixedPrecisionPolicy> Precisions { get; } = new Dictionary<string, MixedPrecisionPolicy>
    {
        ["fp32"] = MixedPrecisionPolicy.Single,
        ["bf16"] = MixedPrecisionPolicy.BFloat16,
        ["fp16"] = MixedPrecisionPolicy.Half,
    };

    /// <summary>Steps that count, after the warm-up.</summary>
    public int Steps { get; init; } = 10;
}
