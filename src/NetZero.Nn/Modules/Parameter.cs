using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A trainable tensor of a module: a name, a shape and how it starts. It has no memory of its own.</summary>
/// <remarks>
/// A model is built from parameters without memory, so one larger than memory can be built. Memory comes from whoever binds it:
/// <see cref="ModuleMaterialization.Materialize"/> for one device, the sharding engine for many.
/// </remarks>
public sealed class Parameter
{
    private Tensor? _value;

    /// <summary>Makes a parameter; modules register theirs with <c>AddParameter</c>.</summary>
    public Parameter(string name, Shape shape, Initializer initializer)
    {
        Name = name;
        Shape = shape;
        Initializer = initializer;
    }

    /// <summary>The name within the module that registered it, such as <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>How it starts.</summary>
    public Initializer Initializer { get; }

    /// <summary>Whether it has been given a tensor.</summary>
    public bool IsBound => _value is not null;

    /// <summary>Its tensor; under stage 3 its memory comes and goes.</summary>
    /// <exception cref="InvalidOperationException">It has not been bound.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException(
        $"Parameter '{Name}' {Shape} has no memory yet; apply FullyShard to the model, or call Materialize.");

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
