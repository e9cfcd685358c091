namespace NetZero.Tensors;

public sealed partial class Tensor
{
    private GradientLeaf? _leaf;

    /// <summary>Whether gradients flow through this tensor.</summary>
    public bool RequiresGrad => Node is not null || _leaf is not null;

    /// <summary>What computes the gradients of the op that made this tensor; null for leaves and where nothing is recorded.</summary>
    internal GradientNode? Node { get; private set; }

    /// <summary>Where this leaf's gradient goes; null for anything else.</summary>
    internal GradientLeaf? Leaf => _leaf;

    /// <summary>The gradient of this leaf after <see cref="Backward()"/>; null before.</summary>
    public Tensor? Grad => _leaf is { HasValue: true } leaf ? leaf.Gradient : null;

    /// <summary>Makes this tensor a leaf: <see cref="Backward()"/> leaves its gradient in <see cref="Grad"/>, added up over calls.</summary>
    /// <exception cref="InvalidOperationException">It was computed from other tensors, or is not floating point.</exception>
    public Tensor RequireGrad()
    {
        return RequireGrad(new OwnedGradientLeaf(this));
    }

    /// <summary>Makes this tensor a leaf whose gradient goes where <paramref name="leaf"/> says.</summary>
    public Tensor RequireGrad(GradientLeaf leaf)
    {
        if (Node is not null)
            throw new InvalidOperationException($"{this} was computed by {Node.Name}, so it cannot be a leaf; Detach() it first.");
        if (!DType.IsFloatingPoint())
            throw new InvalidOperationException($"{this} cannot have a gradient: only floating-point tensors can.");
        _leaf = leaf;
        Storage.MarkPrecious();
        return this;
    }

    /// <summary>The same values without history.</summary>
    public Tensor Detach() => new(Context, Storage, Offset, Shape, _strides, DType);

    /// <summary>Computes the gradients of this scalar with respect to all leaves it depends on. The graph is consumed.</summary>
    /// <exception cref="InvalidOperationException">Not a scalar, depends on no leaf, or the graph was consumed before.</exception>
    public void Backward()
    {
        if (Elements != 1)
            throw new InvalidOperationException($"Backward() starts from a scalar; {this} has {Elements:N0} elements. Give the gradient, or reduce it first.");
        Backward(Context.Full(Shape, 1, MemoryKind.Activation, "Backward"));
    }

    /// <summary>Computes gradients given this tensor's own.</summary>
    /// <param name="gradient">d(objective)/d(this), of the same shape.</param>
    public void Backward(Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        SameContext.Check("Backward", this, gradient);
        if (gradient.Shape != Shape)
            throw new ArgumentException($"The gradient of {this} must have the same shape; it has {gradient.Shape}.", nameof(gradient));
        if (Node is not { } node)
            throw new InvalidOperationException($"{this} depends on no tensor that requires a gradient, or was made under NoGrad(): there is nothing to differentiate.");
        Context.Tape.Backward(node, gradient);
    }

    /// <summary>Records <paramref name="node"/> as what made this tensor.</summary>
    internal Tensor Attach(GradientNode node)
    {
        Node = node;
        Context.Tape.Record(node);
        return this;
    }
}
