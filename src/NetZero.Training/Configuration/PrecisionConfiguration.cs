using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>The sections <c>bf16</c>, <c>fp16</c> and <c>data_types</c>, and <c>communication_data_type</c>: in which types a run computes, reduces and accumulates.</summary>
public sealed record PrecisionConfiguration
{
    internal const string BFloat16Name = "bf16";

    /// <summary>Whether the model computes with bfloat16 copies of the parameters.</summary>
    public bool BFloat16 { get; init; }

    /// <summary>Whether the model computes with half-precision copies of the parameters, under a scaled loss.</summary>
    public bool Half { get; init; }

    /// <summary>How the loss is scaled in half precision.</summary>
    public LossScalerOptions LossScaler { get; init; } = new();

    /// <summary>The type in which gradients travel over the ranks.</summary>
    public DType Communication { get; init; } = DType.F32;

    /// <summary>The type in which gradients are written and added up over micro-batches.</summary>
    public DType GradientAccumulation { get; init; } = DType.F32;

    /// <summary>Types of single parameters; later ones win.</summary>
    public IReadOnlyList<PrecisionOverride> Parameters { get; init; } = [];

    /// <summary>What the model computes in: <c>bf16</c>, <c>fp16</c> or <c>fp32</c>.</summary>
    public string Name => BFloat16 ? BFloat16Name : Half ? "fp16" : "fp32";

    /// <summary>The engine's policy.</summary>
    public MixedPrecisionPolicy ToPolicy() => new()
    {
        ParameterDType = BFloat16 ? DType.BF16 : Half ? DType.F16 : DType.F32,
        ReduceDType = Communication,
        GradientDType = GradientAccumulation,
        Overrides = Parameters,
    };

    /// <summary>How the engine scales losses; null is not at all.</summary>
    public LossScalerOptions? ToScaler() => Half ? LossScaler : null;
}
