namespace NetZero.Tensors;

/// <summary>Takes the gradients that a node computes for its inputs, and adds them up where an input has several consumers.</summary>
/// <remarks>Sums follow the order of the tape, so they are the same in every run.</remarks>
internal readonly struct GradientSink(GradientNode node)
{
    /// <summary>Whether anybody wants the gradient of input <paramref name="index"/>.</summary>
    public bool Needs(int index) => node.Edges[index].NeedsGradient;

    /// <summary>Memory to write the gradient of an input into: for leaves their gradient itself, so that nothing is copied.</summary>
    public GradientTarget Target(int index)
    {
        var edge = node.Edges[index];
        if (edge.Leaf is { } leaf)
            return leaf.Take();
        var producer = Producer(edge);
        if (producer.Pending is { } pending)
        {
            if (IsOurs(pending))
                return new GradientTarget(pending, true);
            var copy = NewPending(producer, edge);
            copy.CopyFrom(pending);
            Swap(producer, copy);
            return new GradientTarget(copy, true);
        }

        var fresh = NewPending(producer, edge);
        Swap(producer, fresh);
        return new GradientTarget(fresh, false);
    }

    /// <summary>Like <see cref="Target"/>, zeroed where it is new: for gradients that are written in parts.</summary>
    public Tensor ZeroedTarget(int index)
    {
        var target = Target(index);
        if (!target.Accumulate)
            target.Tensor.Fill(0);
        return target.Tensor;
    }

    /// <summary>Hands over a finished gradient of an input; it may be shared, so nobody writes to it afterwards.</summary>
    public void Add(int index, Tensor gradient)
    {
        var edge = node.Edges[index];
        if (gradient.Shape != edge.Shape)
            throw new InvalidOperationException($"{node.Name} made a gradient of shape {gradient.Shape} for its input {index} of shape {edge.Shape}.");
        if (edge.Leaf is null && edge.Node is not null && gradient.DType == edge.DType && Producer(edge) is { Pending: null } producer)
        {
            Swap(producer, gradient);
            return;
        }

        var target = Target(index);
        if (target.Accumulate)
            target.Tensor.AddInPlace(gradient);
        else
            target.Tensor.CopyFrom(gradient);
    }

    // Only the pending slot holds it, and it is whole: so adding in place changes nothing that anybody else reads.
    private static bool IsOurs(Tensor pending) => pending.Storage.References == 1 && pending.IsContiguous && pending.Storage.Owner is null;

    private static Tensor NewPending(GradientNode producer, GradientNode.Edge edge) =>
        producer.Context.Empty(edge.Shape, edge.DType, MemoryKind.Activation, "gradient");

    private static void Swap(GradientNode producer, Tensor gradient)
    {
        gradient.Storage.Retain();
        producer.Pending?.Storage.Release("it was a gradient that a sum has replaced");
        producer.Pending = gradient;
    }

    private GradientNode Producer(GradientNode.Edge edge)
    {
        var producer = edge.Node ?? throw new InvalidOperationException($"Nobody wants the gradient that {node.Name} made; check Needs() first.");
        return producer.HasRun
            ? throw new InvalidOperationException(
                $"The graph behind {producer.Name} was consumed by an earlier Backward(); run the forward pass again, or add the losses before one Backward().")
            : producer;
    }
}
