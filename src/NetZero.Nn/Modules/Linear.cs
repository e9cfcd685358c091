using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y = x W + b. Shapes: x [.., in], y [.., out], W by <see cref="WeightLayout"/>, b [out].</summary>
public sealed class Linear : Layer
{
    private readonly WeightLayout _layout;

    /// <summary>Makes the layer.</summary>
    /// <param name="inFeatures">The innermost extent of the input.</param>
    /// <param name="outFeatures">The innermost extent of the output.</param>
    /// <param name="bias">Whether there is a bias; it starts at zero.</param>
    /// <param name="layout">How the weight lies: out x in as in most models, or in x out as in GPT-2.</param>
    /// <param name="initializer">How the weight starts; by default uniform within 1/sqrt(in), as PyTorch's.</param>
    public Linear(long inFeatures, long outFeatures, bool bias = true, WeightLayout layout = WeightLayout.OutIn, Initializer? initializer = null)
    {
        _layout = layout;
        Shape shape = layout == WeightLayout.OutIn ? [outFeatures, inFeatures] : [inFeatures, outFeatures];
        Weight = AddParameter("weight", shape, initializer ?? Initializer.Uniform(1 / MathF.Sqrt(inFeatures)));
        if (bias)
            Bias = AddParameter("bias", [outFeatures], Initializer.Zeros);
    }

    /// <summary>The weight.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x) => x.Linear(Weight.Value, Bias?.Value, outputFirst: _layout == WeightLayout.OutIn);
}
