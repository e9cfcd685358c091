using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A module from one tensor to one tensor.</summary>
public abstract class Layer : Module
{
    private Func<Tensor, Tensor>? _forward;
    private Func<Tensor, Tensor>? _recompute;
    private Parameter[]? _parameters;

    /// <summary>
    /// Activation checkpointing: calls save only their input for backward, and the results of these ops; backward computes the rest again. Null saves everything. Results and gradients
    /// have the same bits either way.
    /// </summary>
    public KeptOps? Checkpoint { get; set; }

    /// <summary>Runs the layer.</summary>
    public Tensor Call(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var call = Enter(x.Context);
        return call.Return(Checkpoint is { } keep && NeedsBackward(x) ? x.Checkpoint(_forward ??= Forward, keep, _recompute ??= Recompute) : Forward(x));
    }

    /// <summary>The computation. Users call <see cref="Call"/>.</summary>
    protected abstract Tensor Forward(Tensor x);

    private Tensor Recompute(Tensor x)
    {
        Hooks?.BeforeRecompute();
        var y = Forward(x);
        Hooks?.AfterRecompute();
        return y;
    }

    // Where nothing wants a gradient there is no backward to save for.
    private bool NeedsBackward(Tensor x) =>
        x.RequiresGrad || Array.Exists(_parameters ??= [.. NamedParameters().Select(p => p.Parameter)], p => p.Value.RequiresGrad);
}
