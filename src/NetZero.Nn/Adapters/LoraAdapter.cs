using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A low-rank adapter of one linear layer: y += s drop(x) A^T B^T with A [r, in] and B [out, r] (Hu et al. 2021, section 4.1).</summary>
/// <remarks>A starts as PEFT's does, uniform within 1/sqrt(in) (Kaiming with a = sqrt(5)), and B at zero: so the layer begins as it was.</remarks>
public sealed class LoraAdapter
{
    /// <summary>The name of A's module below the layer.</summary>
    public const string DownName = "lora_A";

    /// <summary>The name of B's module below the layer.</summary>
    public const string UpName = "lora_B";

    private readonly Linear _layer;

    internal LoraAdapter(Linear layer, LoraOptions options)
    {
        _layer = layer;
        Options = options;
        Scale = options.Scale;
        Dropout = options.Dropout;
        Down = new Linear(layer.InFeatures, options.Rank, bias: false);
        Up = new Linear(options.Rank, layer.OutFeatures, bias: false, initializer: Initializer.Zeros);
    }

    /// <summary>What it was made with.</summary>
    public LoraOptions Options { get; }

    /// <summary>A, [r, in]. Its values are read by the layer's own forward; it is never called.</summary>
    public Linear Down { get; }

    /// <summary>B, [out, r]. Its values are read by the layer's own forward; it is never called.</summary>
    public Linear Up { get; }

    /// <summary>s.</summary>
    public float Scale { get; }

    /// <summary>The probability with which inputs are dropped in training.</summary>
    public double Dropout { get; }

    /// <summary>Whether the layer's weight holds what the adapter adds, which then adds nothing.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>Adds s (B A) to the layer's weight, which is whole and fp32. The layer computes as before, up to rounding, and costs what a plain one does.</summary>
    /// <exception cref="InvalidOperationException">It is merged already, or the weight is kept in codes.</exception>
    public void Merge() => SetMerged(true);

    /// <summary>Takes s (B A) from the weight again: it is what it was up to one rounding of each element.</summary>
    /// <exception cref="InvalidOperationException">It is not merged.</exception>
    public void Unmerge() => SetMerged(false);

    /// <summary>weight += factor (B A), in the layout of the weight, where it lies. For contiguous fp32 tensors.</summary>
    /// <param name="weight">[out, in] or [in, out].</param>
    /// <param name="a">[r, in]</param>
    /// <param name="b">[out, r]</param>
    /// <param name="factor">The scale; negative to take it away.</param>
    /// <param name="layout">How the weight lies.</param>
    public static void AddTo(Tensor weight, Tensor a, Tensor b, float factor, WeightLayout layout)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        using var noGrad = weight.Context.NoGrad();
        using var scope = weight.Context.BeginScope("merge");
        var product = layout == WeightLayout.OutIn ? b.MatMul(a) : a.Transpose().MatMul(b.Transpose());
        product.ScaleInPlace(factor);
        weight.AddInPlace(product);
    }

    private void SetMerged(bool merged)
    {
        if (_layer.Weight.Format is { } format)
            throw new InvalidOperationException($"The layer's weight is kept in {format} and cannot take the adapter in; merge it into the values that the codes were made from.");
        if (IsMerged == merged)
            throw new InvalidOperationException(merged ? "The adapter is merged already." : "The adapter is not merged.");
        AddTo(_layer.Weight.Value, Down.Weight.Value, Up.Weight.Value, merged ? Scale : -Scale, _layer.Layout);
        IsMerged = merged;
    }
}
