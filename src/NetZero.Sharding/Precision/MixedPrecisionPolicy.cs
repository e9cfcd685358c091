using NetZero.Nn;
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

    /// <summary>What holds for some parameters instead; later ones win. A parameter that was built with a type of its own keeps that.</summary>
    /// <remarks>
    /// FSDP2's <c>mp_policy</c> of a module, by name. What of a block has other types lies in a flat unit of its own, gathered, reduced and released beside the others. See
    /// [Note: types of their own] in <c>UnitCutter</c>.
    /// </remarks>
    public IReadOnlyList<PrecisionOverride> Overrides { get; init; } = [];

    /// <summary>The types of a parameter.</summary>
    /// <param name="name">Its full name.</param>
    /// <param name="parameter">The parameter.</param>
    /// <param name="frozen">Whether it is frozen from the beginning.</param>
    /// <exception cref="ArgumentException">It would train, and holds codes.</exception>
    internal UnitPrecision Of(string name, Parameter parameter, bool frozen)
    {
        var (own, reduction, gradients) = (parameter.DType, ReduceDType, GradientDType);
        foreach (var other in Overrides.Where(o => NamePattern.Matches(o.Parameters, name)))
            (own, reduction, gradients) = (parameter.DType ?? other.ParameterDType ?? own, other.ReduceDType ?? reduction, other.GradientDType ?? gradients);
        var dtype = own ?? ParameterDType;
        if (!dtype.IsFloatingPoint() && !frozen)
            throw new ArgumentException($"Parameter '{name}' is {dtype} and would train, but only floating-point parameters have gradients; freeze it (ShardingOptions.Frozen).");
        // What is fixed is never thawed: it needs no masters.
        return new UnitPrecision(frozen && (own is not null || parameter.IsFixed) ? dtype : DType.F32, dtype, gradients, reduction);
    }

    /// <summary>Checks that all types are floating point and that no override is empty.</summary>
    /// <exception cref="ArgumentException">One is not; the message says which.</exception>
    internal void Validate()
    {
        Check("", (nameof(ParameterDType), ParameterDType), (nameof(ReduceDType), ReduceDType), (nameof(GradientDType), GradientDType), (nameof(OutputDType), OutputDType));
        foreach (var other in Overrides)
        {
            Check($" of '{other.Parameters}'", (nameof(ParameterDType), other.ParameterDType), (nameof(ReduceDType), other.ReduceDType), (nameof(GradientDType), other.GradientDType));
            if (other is { ParameterDType: null, ReduceDType: null, GradientDType: null })
                throw new ArgumentException($"The precision override of '{other.Parameters}' would have no effect: give a type, or leave it out.");
        }
    }

    private static void Check(string whose, params ReadOnlySpan<(string Name, DType? DType)> types)
    {
        foreach (var (name, dtype) in types)
            if (dtype is { } found && !found.IsFloatingPoint())
                throw new ArgumentException($"{name}{whose} is {found}; it must be F32, BF16 or F16.");
    }
}
