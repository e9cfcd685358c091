using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y = x W + b, and what an <see cref="Adapter"/> adds. Shapes: x [.., in], y [.., out], W by <see cref="WeightLayout"/>, b [out].</summary>
public sealed class Linear : Layer
{
    /// <summary>Makes the layer.</summary>
    /// <param name="inFeatures">The innermost extent of the input.</param>
    /// <param name="outFeatures">The innermost extent of the output.</param>
    /// <param name="bias">Whether there is a bias; it starts at zero.</param>
    /// <param name="layout">How the weight lies: out x in as in most models, or in x out as in GPT-2.</param>
    /// <param name="initializer">How the weight starts; by default uniform within 1/sqrt(in), as PyTorch's.</param>
    public Linear(long inFeatures, long outFeatures, bool bias = true, WeightLayout layout = WeightLayout.OutIn, Initializer? initializer = null)
    {
        Layout = layout;
        Shape shape = layout == WeightLayout.OutIn ? [outFeatures, inFeatures] : [inFeatures, outFeatures];
        Weight = AddParameter("weight", shape, initializer ?? Initializer.Uniform(1 / MathF.Sqrt(inFeatures)));
        if (bias)
            Bias = AddParameter("bias", [outFeatures], Initializer.Zeros);
    }

    /// <summary>The weight.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>How the weight lies.</summary>
    public WeightLayout Layout { get; }

    /// <summary>The innermost extent of the input.</summary>
    public long InFeatures => Layout == WeightLayout.OutIn ? Weight.ValueShape[1] : Weight.ValueShape[0];

    /// <summary>The innermost extent of the output.</summary>
    public long OutFeatures => Layout == WeightLayout.OutIn ? Weight.ValueShape[0] : Weight.ValueShape[1];

    /// <summary>What is trained in the place of the weight; null where the weight itself is. See <see cref="Lora"/>.</summary>
    public LoraAdapter? Adapter { get; private set; }

    /// <summary>Puts an adapter on the layer, whose own parameters are fixed then. Before the model has memory.</summary>
    /// <exception cref="InvalidOperationException">It has one, or has memory.</exception>
    public LoraAdapter Attach(LoraOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (Adapter is not null)
            throw new InvalidOperationException("The layer has an adapter already.");
        options.Validate();
        Weight.Fix();
        Bias?.Fix();
        Adapter = new LoraAdapter(this, options);
        AddChild(LoraAdapter.DownName, Adapter.Down);
        AddChild(LoraAdapter.UpName, Adapter.Up);
        return Adapter;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x)
    {
        var outputFirst = Layout == WeightLayout.OutIn;
        if (Adapter is null && Weight.Format is not null)
            return x.QuantizedLinear(Weight.Frozen, Bias?.Value, outputFirst);
        return Adapter is { IsMerged: false } adapter
            ? x.LoraLinear(Weight.Frozen, Bias?.Value, adapter.Down.Weight.Value, adapter.Up.Weight.Value, adapter.Scale, adapter.Dropout, outputFirst)
            : x.Linear(Weight.Value, Bias?.Value, outputFirst);
    }
}
