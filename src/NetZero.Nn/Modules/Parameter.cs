using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A tensor of a module, trainable unless it is frozen or holds codes: a name, a shape and how it starts. It has no memory of its own.</summary>
/// <remarks>
/// A model is built from parameters without memory, so one larger than memory can be built. Memory comes from whoever binds it:
/// <see cref="ModuleMaterialization.Materialize"/> for one device, the sharding engine for many.
/// </remarks>
public sealed class Parameter
{
    private Tensor? _value;

    /// <summary>Makes a parameter; modules register theirs with <c>AddParameter</c>.</summary>
    /// <exception cref="ArgumentException">A type that is neither floating point nor U8.</exception>
    public Parameter(string name, Shape shape, Initializer initializer, DType? dtype = null)
    {
        if (dtype is { } own && own != Tensors.DType.U8 && !own.IsFloatingPoint())
            throw new ArgumentException($"Parameter '{name}' is {own}; parameters are F32, BF16 or F16, or U8 for codes that an op of their module widens.", nameof(dtype));
        Name = name;
        Shape = ValueShape = shape;
        Initializer = initializer;
        DType = dtype;
    }

    /// <summary>The name within the module that registered it, such as <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>The shape of its tensor: of the bytes where it holds codes.</summary>
    public Shape Shape { get; private set; }

    /// <summary>The shape of what it stands for, which is another than that of its tensor where it holds codes.</summary>
    public Shape ValueShape { get; }

    /// <summary>What its codes mean; null where it holds the values themselves.</summary>
    public BlockFormat? Format { get; private set; }

    /// <summary>How it starts.</summary>
    public Initializer Initializer { get; }

    /// <summary>The type that the module computes with whatever a run's precision is; null takes the run's.</summary>
    /// <remarks>U8 is for codes, such as those of quantised weights: they have no gradient, so they are trained by nobody and frozen where others train.</remarks>
    public DType? DType { get; private set; }

    /// <summary>Whether training never changes it: it is frozen wherever the model is sharded, and its source gives its values again, so checkpoints leave it out.</summary>
    public bool IsFixed { get; private set; }

    /// <summary>Whether it has been given a tensor.</summary>
    public bool IsBound => _value is not null;

    /// <summary>Its tensor; under stage 3 its memory comes and goes.</summary>
    /// <exception cref="InvalidOperationException">It has not been bound.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException(
        $"Parameter '{Name}' {Shape} has no memory yet; apply FullyShard to the model, or call Materialize.");

    /// <summary>Sets it apart from what is trained, as the base of an adapter; see <see cref="IsFixed"/>.</summary>
    /// <param name="dtype">The floating-point type that it is kept in; null takes the run's.</param>
    /// <exception cref="InvalidOperationException">It has been bound: whoever gave it memory counts on a gradient.</exception>
    public void Fix(DType? dtype = null)
    {
        RequireUnbound();
        IsFixed = true;
        DType = dtype ?? DType;
    }

    /// <summary>The same, kept in codes, which the op that uses it widens. Its source gives codes: see <see cref="QuantizedValues"/>.</summary>
    /// <param name="format">What the codes mean.</param>
    /// <exception cref="ArgumentException">It is no matrix.</exception>
    /// <exception cref="InvalidOperationException">It has been bound, or holds codes already.</exception>
    public void Quantize(BlockFormat format)
    {
        RequireUnbound();
        if (Format is not null)
            throw new InvalidOperationException($"Parameter '{Name}' {ValueShape} holds codes already.");
        if (ValueShape.Dims != 2)
            throw new ArgumentException($"Parameter '{Name}' {ValueShape} is no matrix; only matrices are kept in codes.", nameof(format));
        IsFixed = true;
        Format = format;
        DType = Tensors.DType.U8;
        Shape = [BlockQuantization.Bytes(format, ValueShape.Elements)];
    }

    /// <summary>Its tensor as a matrix without gradient, of values or of codes.</summary>
    /// <exception cref="InvalidOperationException">It has not been bound.</exception>
    public FrozenMatrix Frozen => Format is { } format ? FrozenMatrix.Of(Value, format, ValueShape[0], ValueShape[1]) : FrozenMatrix.Of(Value);

    private void RequireUnbound()
    {
        if (IsBound)
            throw new InvalidOperationException($"Parameter '{Name}' {ValueShape} has memory already; fix parameters before FullyShard or Materialize.");
    }

    /// <summary>Gives it a tensor, a leaf of its shape.</summary>
    /// <exception cref="ArgumentException">Another shape.</exception>
    public void Bind(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Shape)
            throw new ArgumentException($"Parameter '{Name}' has shape {Shape}; it cannot be bound to {value}.", nameof(value));
        _value = value;
    }
}
