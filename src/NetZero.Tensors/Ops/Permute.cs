namespace NetZero.Tensors;

/// <summary>y[i_p0, i_p1, ...] = x[i_0, i_1, ...], a view. Saves nothing. Backward: dx = dy permuted back.</summary>
public static class PermuteOp
{
    /// <summary>Reorders the dimensions: dimension i of the result is dimension <paramref name="order"/>[i] of this.</summary>
    /// <exception cref="ArgumentException">Not a permutation of the dimensions.</exception>
    public static Tensor Permute(this Tensor x, params ReadOnlySpan<int> order)
    {
        var dims = x.Dims;
        var extents = new long[dims];
        var strides = new long[dims];
        var inverse = new int[dims];
        Array.Fill(inverse, -1);
        if (order.Length != dims)
            throw new ArgumentException($"Permute of {x} needs {dims} dimensions; {order.Length} were given.", nameof(order));
        for (var i = 0; i < dims; i++)
        {
            var from = x.Shape.ResolveDim(order[i]);
            if (inverse[from] >= 0)
                throw new ArgumentException($"Permute of {x} names dimension {from} twice.", nameof(order));
            inverse[from] = i;
            extents[i] = x.Shape.Extents[from];
            strides[i] = x.Strides[from];
        }

        var y = x.Reinterpret(Shape.Create(extents), strides, x.Offset);
        return GradientNode.Records(x) ? y.Attach(new Node(x, inverse)) : y;
    }

    /// <summary>Swaps two dimensions.</summary>
    public static Tensor Transpose(this Tensor x, int first = -2, int second = -1)
    {
        Span<int> order = stackalloc int[x.Dims];
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        first = x.Shape.ResolveDim(first);
        second = x.Shape.ResolveDim(second);
        (order[first], order[second]) = (order[second], order[first]);
        return x.Permute(order);
    }

    private sealed class Node(Tensor x, int[] inverse) : GradientNode(x)
    {
        public override string Name => "Permute";

        protected override void Backward(Tensor dOutput, GradientSink sink) => sink.Add(0, dOutput.Permute(inverse));
    }
}
