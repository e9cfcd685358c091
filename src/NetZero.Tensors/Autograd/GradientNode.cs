namespace NetZero.Tensors;

/// <summary>One op on the tape: how to get the gradients of its inputs from the gradient of its output.</summary>
/// <remarks>
/// A node holds edges to what made its inputs, and of the tensors only those that it saved. It lets go of them as soon as it has run.
/// </remarks>
internal abstract class GradientNode : ITapeEntry
{
    private readonly Edge[] _edges;
    private SavedTensors _saved;

    protected GradientNode(params ReadOnlySpan<Tensor> inputs)
    {
        _edges = new Edge[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
            _edges[i] = new Edge(inputs[i].Node, inputs[i].Leaf, inputs[i].Shape, inputs[i].DType);
        Context = inputs[0].Context;
    }

    /// <summary>The op's name, for messages.</summary>
    public abstract string Name { get; }

    /// <summary>Whether this node has run, so that its saved tensors are gone.</summary>
    public bool HasRun { get; private set; }

    /// <summary>The gradient of the output, as far as it has been added up.</summary>
    public Tensor? Pending { get; set; }

    internal TensorContext Context { get; }

    internal ReadOnlySpan<Edge> Edges => _edges;

    /// <summary>Whether an op on these inputs is recorded.</summary>
    public static bool Records(params ReadOnlySpan<Tensor> inputs)
    {
        if (inputs[0].Context.GradEnabled)
            foreach (var input in inputs)
                if (input.RequiresGrad)
                    return true;
        return false;
    }

    /// <summary>Adds the gradients of the inputs to <paramref name="sink"/>.</summary>
    /// <param name="dOutput">The output's gradient: contiguous, of the output's shape. Not to be written.</param>
    /// <param name="sink">Takes the gradients of the inputs.</param>
    protected abstract void Backward(Tensor dOutput, GradientSink sink);

    /// <summary>Keeps a tensor's memory until this node has run.</summary>
    protected Tensor Save(Tensor tensor) => _saved.Add(tensor);

    /// <summary>Runs backward, and lets go of what this node held.</summary>
    internal virtual void Run()
    {
        CheckSaved();
        using (Context.BeginScope(Name))
        {
            var dOutput = Pending!.IsContiguous ? Pending : Pending.Contiguous();
            Backward(dOutput, new GradientSink(this));
        }

        Forget();
    }

    /// <summary>Lets go of what this node holds; it cannot run after that.</summary>
    public virtual void Forget()
    {
        HasRun = true;
        Pending?.Storage.Release($"it was a gradient and {Name} has consumed it");
        Pending = null;
        _saved.Release(Name);
    }

    /// <summary>Refuses to run over saved tensors that have changed.</summary>
    /// <exception cref="InvalidOperationException">One has.</exception>
    protected void CheckSaved() => _saved.Check(Name);

    /// <summary>Where an input came from.</summary>
    internal readonly record struct Edge(GradientNode? Node, GradientLeaf? Leaf, Shape Shape, DType DType)
    {
        public bool NeedsGradient => Node is not null || Leaf is not null;
    }
}
