namespace NetZero.Tensors;

/// <summary>Where the gradient of a leaf goes. Ops write into it directly; the first write of a pass overwrites, later ones add.</summary>
public abstract class GradientLeaf
{
    /// <summary>The gradient: contiguous, of the leaf's shape. Valid while <see cref="HasValue"/>, or after <see cref="Prepare"/>.</summary>
    public abstract Tensor? Gradient { get; }

    /// <summary>Whether <see cref="Gradient"/> holds a value that further contributions are added to.</summary>
    public bool HasValue { get; protected set; }

    /// <summary>Makes sure that <see cref="Gradient"/> has memory. Called before each contribution.</summary>
    protected abstract Tensor Prepare();

    /// <summary>Where a contribution goes, and whether to add it.</summary>
    internal GradientTarget Take()
    {
        var target = new GradientTarget(Prepare(), HasValue);
        HasValue = true;
        return target;
    }
}

/// <summary>The leaf of a user's own tensor: memory on first use, kept until the context ends.</summary>
internal sealed class OwnedGradientLeaf(Tensor leaf) : GradientLeaf
{
    private Tensor? _gradient;

    public override Tensor? Gradient => _gradient;

    protected override Tensor Prepare() =>
        _gradient ??= leaf.Context.Empty(leaf.Shape, leaf.DType, MemoryKind.Gradient, "gradient").Keep();
}

/// <summary>Where an op's backward writes the gradient of one input.</summary>
/// <param name="Tensor">Contiguous, of the input's shape.</param>
/// <param name="Accumulate">True: add to what is there. False: the contents are undefined, overwrite all of them.</param>
public readonly record struct GradientTarget(Tensor Tensor, bool Accumulate);
