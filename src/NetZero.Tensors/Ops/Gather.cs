using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y[.., j, ..] = x[.., index[.., j, ..], ..] along one dimension. Saves the indices. Backward: dx[.., index[.., j, ..], ..] += dy[.., j,
/// ..], in the order of j.
/// </summary>
public static class GatherOp
{
    /// <summary>
    /// Picks elements along <paramref name="dim"/>; <paramref name="indices"/> is I32 or I64, of the shape of this but for that dimension.
    /// </summary>
    /// <returns>A tensor of the shape of the indices.</returns>
    /// <exception cref="ArgumentException">The indices have another type, or their shape differs in another dimension.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside of the dimension.</exception>
    public static unsafe Tensor Gather(this Tensor x, int dim, Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(indices);
        SameContext.Check("Gather", x, indices);
        dim = x.Shape.ResolveDim(dim);
        if (indices.DType is not (DType.I32 or DType.I64))
            throw new ArgumentException($"Gather of {x}: the indices {indices} are {indices.DType}, expected I32 or I64.", nameof(indices));
        if (indices.Dims != x.Dims || indices.Shape.With(dim, x.Shape[dim]) != x.Shape)
        {
            throw new ArgumentException(
                $"Gather of {x} along dimension {dim}: the indices {indices} must have the same extents but for that dimension.", nameof(indices));
        }

        x = x.Contiguous();
        indices = indices.Contiguous();
        var y = x.Context.Empty(indices.Shape, x.DType);
        x.Context.Launch(new GatherKernel(x.Bytes(), x.DType.SizeInBytes(), Layout(x.Shape, dim, indices), y.Bytes()));
        return GradientNode.Records(x) ? y.Attach(new Node(x, dim, indices)) : y;
    }

    private static unsafe GatherIndices Layout(Shape shape, int dim, Tensor indices)
    {
        long outer = 1, inner = 1;
        for (var i = 0; i < shape.Dims; i++)
        {
            outer *= i < dim ? shape.Extents[i] : 1;
            inner *= i > dim ? shape.Extents[i] : 1;
        }

        return new GatherIndices(indices.Bytes(), indices.DType, outer, shape[dim], indices.Shape[dim], inner);
    }

    private sealed class Node : GradientNode
    {
        private readonly Shape _shape;
        private readonly int _dim;
        private readonly Tensor _indices;

        public Node(Tensor x, int dim, Tensor indices)
            : base(x)
        {
            (_shape, _dim) = (x.Shape, dim);
            _indices = Save(indices);
        }

        public override string Name => "Gather";

        protected override unsafe void Backward(Tensor dOutput, GradientSink sink)
        {
            var dx = sink.ZeroedTarget(0);
            Context.Launch(new GatherBackwardKernel(Layout(_shape, _dim, _indices), dOutput.Data<float>(), dx.Data<float>()));
        }
    }
}
