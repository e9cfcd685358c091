using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y[.., :] = weight[ids[..], :]. Shapes: ids [..] of I32 or I64, weight [entries, features], y [.., features].</summary>
public sealed class Embedding : Layer
{
    /// <summary>Makes the table.</summary>
    /// <param name="entries">How many ids there are.</param>
    /// <param name="features">The length of each row.</param>
    /// <param name="initializer">How it starts; by default normal with standard deviation 1, as PyTorch's.</param>
    public Embedding(long entries, long features, Initializer? initializer = null) =>
        Weight = AddParameter("weight", [entries, features], initializer ?? Initializer.Normal(1));

    /// <summary>The table.</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x) => Weight.Value.Embedding(x);
}
