using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>y[.., :] = weight[ids[..], :]. Shapes: ids [..] of I32 or I64, weight [entries, features], y [.., features].</summary>
public sealed class Embedding : Layer
{
    /// <summary>Makes the table.</summary>
    /// <param name="entries">How many ids there are.</param>
    /// <param name="features">The length of each row.</param>
    /// <param name="initializer">How it starts; by default normal with standard deviation 1, as PyTorch's.</param>
    /// <param name="isProjected">Whether <see cref="Project"/> is used as well, so that the table is multiplied with as the weights of linear layers are.</param>
    public Embedding(long entries, long features, Initializer? initializer = null, bool isProjected = false)
    {
        Weight = AddParameter("weight", [entries, features], initializer ?? Initializer.Normal(1));
        IsProjected = isProjected;
    }

    /// <summary>Whether the table is a head as well.</summary>
    public bool IsProjected { get; }

    /// <summary>The table.</summary>
    public Parameter Weight { get; }

    /// <summary>The table as a linear layer in the other direction, as the head of a model that is tied to its embedding: y = x weight^T. Shapes: x [.., features], y [.., entries].</summary>
    public Tensor Project(Tensor x) =>
        Weight.Format is null ? x.Linear(Weight.Value, outputFirst: true) : x.QuantizedLinear(Weight.Frozen, outputFirst: true);

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x) => Weight.Format is null ? Weight.Value.Embedding(x) : Weight.Frozen.QuantizedEmbedding(x);
}
