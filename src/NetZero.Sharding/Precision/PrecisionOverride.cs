using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>In which types some parameters are computed with, reduced and accumulated otherwise than the policy says; what is null stays as it is.</summary>
/// <param name="Parameters">Their names, as a <see cref="NamePattern"/>.</param>
public sealed record PrecisionOverride(string Parameters)
{
    /// <inheritdoc cref="MixedPrecisionPolicy.ParameterDType"/>
    public DType? ParameterDType { get; init; }

    /// <inheritdoc cref="MixedPrecisionPolicy.ReduceDType"/>
    public DType? ReduceDType { get; init; }

    /// <inheritdoc cref="MixedPrecisionPolicy.GradientDType"/>
    public DType? GradientDType { get; init; }
}
