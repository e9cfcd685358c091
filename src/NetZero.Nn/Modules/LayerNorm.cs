using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y = (x - mean) / sqrt(var + eps) * weight + bias over the innermost dimension (Ba, Kiros, Hinton 2016, section 3.1).</summary>
public sealed class LayerNorm : Layer
{
    private readonly float _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="features">The innermost extent.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public LayerNorm(long features, float epsilon = 1e-5f)
    {
        _epsilon = epsilon;
        Weight = AddParameter("weight", [features], Initializer.Ones);
        Bias = AddParameter("bias", [features], Initializer.Zeros);
    }

    /// <summary>The scale.</summary>
    public Parameter Weight { get; }

    /// <summary>The shift.</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x) => x.LayerNorm(Weight.Value, Bias.Value, _epsilon);
}
