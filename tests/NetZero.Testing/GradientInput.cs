using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>A leaf of a <see cref="GradientCheck"/> and the view of it that the op sees.</summary>
public sealed class GradientInput
{
    /// <summary>Values spread over [low, high) by a fixed seed.</summary>
    public GradientInput(Shape shape, double low = -2, double high = 2, int seed = 1)
    {
        Shape = shape;
        var random = new Random((seed * 7919) + (int)shape.Elements);
        Values = new float[shape.Elements];
        for (var i = 0; i < Values.Length; i++)
            Values[i] = (float)(low + ((high - low) * random.NextDouble()));
    }

    /// <summary>The leaf's shape.</summary>
    public Shape Shape { get; }

    /// <summary>The leaf's elements.</summary>
    public float[] Values { get; }

    /// <summary>What the op sees of the leaf: any composition of views. The leaf itself by default.</summary>
    public Func<Tensor, Tensor> View { get; init; } = static leaf => leaf;

    /// <summary>Whether its gradient is asked for and compared.</summary>
    public bool RequiresGrad { get; init; } = true;

    internal Tensor MakeLeaf(TensorContext context)
    {
        var leaf = context.From<float>(Values, Shape);
        return RequiresGrad ? leaf.RequireGrad() : leaf;
    }

    /// <summary>For each element of the view, which element of the leaf it is: the view of a tensor that counts.</summary>
    internal long[] Positions()
    {
        using var context = new TensorContext();
        var count = Enumerable.Range(0, Values.Length).ToArray();
        return [.. View(context.From<int>(count, Shape)).ToArray<int>().Select(i => (long)i)];
    }
}
