using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y = x / sqrt(mean(x^2) + eps) * weight over the innermost dimension (Zhang and Sennrich 2019, section 4).</summary>
public sealed class RmsNorm : Layer
{
    private readonly float _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="features">The innermost extent.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public RmsNorm(long features, float epsilon = 1e-6f)
    {
        _epsilon = epsilon;
        Weight = AddParameter("weight", [features], Initializer.Ones);
    }

    /// <summary>The scale.</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x) => x.RmsNorm(Weight.Value, _epsilon);
}
