using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>In which types parameters are computed with, gradients are summed over ranks and over micro-batches, and results are returned. fp32 throughout by default.</summary>
/// <remarks>
/// FSDP2's <c>MixedPrecisionPolicy</c>, DeepSpeed's <c>bf16</c>, <c>fp16</c>, <c>communication_data_type</c> and <c>data_types.grad_accum_dtype</c> (Micikevicius et al. 2018). The fp32
/// master values are what is sharded, updated and saved; the copy that a model computes with is made from them. Losses, norms and statistics are fp32 or double whatever this says.
/// On CPUs 16-bit types are formats of memory and wire: arithmetic is fp32.
/// </remarks>
public sealed record MixedPrecisionPolicy
{
    /// <summary>fp32 throughout.</summary>
    public static MixedPrecisionPolicy Single { get; } = new();

    /// <summary>bfloat16 parameters and activations.</summary>
    public static MixedPrecisionPolicy BFloat16 { get; } = new() { ParameterDType = DType.BF16 };

    /// <summary>Half-precision parameters and activations; gradients need a <see cref="LossScaler"/>.</summary>
    public static MixedPrecisionPolicy Half { get; } = new() { ParameterDType = DType.F16 };

    /// <summary>The type of the parameters that a model computes with, and so of what is gathered and of activations.</summary>
    public DType ParameterDType { get; init; } = DType.F32;

    /// <summary>The type in which gradients travel to be reduced. Sums over ranks are fp32 in any case, and rounded once to this.</summary>
    public DType ReduceDType { get; init; } = DType.F32;

    /// <summary>The type in which gradients are written and added up over micro-batches. In 16 bits each addition is rounded.</summary>
    public DType GradientDType { get; init; } = DType.F32;

    /// <summary>The type of what the model returns; a scalar, as a loss is, is fp32 in any case.</summary>
    public DType OutputDType { get; init; } = DType.F32;

    /// <summary>Whether a copy of the parameters is computed with, beside the fp32 master values.</summary>
    public bool HasMasters => ParameterDType != DType.F32;

    /// <summary>Whether gradients are converted on their way over the ranks.</summary>
    internal bool ConvertsGradients => ReduceDType != GradientDType;

    /// <summary>Checks that all types are floating point.</summary>
    /// <exception cref="ArgumentException">One is not; the message says which.</exception>
    internal void Validate()
    {
        foreach (var (name, dtype) in ((string, DType)[])
            [(nameof(ParameterDType), ParameterDType), (nameof(ReduceDType), ReduceDType), (nameof(GradientDType), GradientDType), (nameof(OutputDType), OutputDType)])
            if (!dtype.IsFloatingPoint())
                throw new ArgumentException($"{name} is {dtype}; it must be F32, BF16 or F16.");
    }
}
