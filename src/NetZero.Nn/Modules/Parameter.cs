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
        Shape = shape;
        Initializer = initializer;
        DType = dtype;
    }

    /// <summary>The name within the module that registered it, such as <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>How it starts.</summary>
    public Initializer Initializer { get; }

    /// <summary>The type that the module computes with whatever a run's precision is; null takes the run's.</summary>
    /// <remarks>U8 is for codes, such as those of quantised weights: they have no gradient, so they are trained by nobody and frozen where others train.</remarks>
    public DType? DType { get; }

    /// <summary>Whether training never changes it: it is frozen wherever the model is sharded, and its source gives its values again, so checkpoints leave it out.</summary>
    public bool IsFixed { get; private set; }

    /// <summary>Whether it has been given a tensor.</summary>
    public bool IsBound => _value is not null;

    /// <summary>Its tensor; under stage 3 its memory comes and goes.</summary>
    /// <exception cref="InvalidOperationException">It has not been bound.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException(
        $"Parameter '{Name}' {Shape} has no memory yet; apply FullyShard to the model, or call Materialize.");

    /// <summary>Sets it apart from what is trained, as the base of an adapter; see <see cref="IsFixed"/>.</summary>
    /// <exception cref="InvalidOperationException">It has been bound: whoever gave it memory counts on a gradient.</exception>
    public void Fix()
    {
        if (IsBound)
            throw new InvalidOperationException($"Parameter '{Name}' {Shape} has memory already; fix parameters before FullyShard or Materialize.");
        IsFixed = true;
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
