namespace NetZero.Tensors;

/// <summary>y = the inputs one after the other along a dimension. Saves nothing. Backward: dx of each input is its slice of dy.</summary>
public static class ConcatOp
{
    extension(Tensor)
    {
        /// <summary>Joins tensors of one type along <paramref name="dim"/>; all other extents agree.</summary>
        /// <exception cref="ArgumentException">No tensors, or types, numbers of dimensions or other extents differ.</exception>
        public static Tensor Concat(ReadOnlySpan<Tensor> tensors, int dim = 0)
        {
            if (tensors.IsEmpty)
                throw new ArgumentException("Concat needs at least one tensor.", nameof(tensors));
            SameContext.Check("Concat", tensors);
            var first = tensors[0];
            dim = first.Shape.ResolveDim(dim);
            long extent = 0;
            foreach (var tensor in tensors)
            {
                Check(first, tensor, dim);
                extent += tensor.Shape[dim];
            }

            var y = first.Context.Empty(first.Shape.With(dim, extent), first.DType);
            Fill(y, tensors, dim);
            return GradientNode.Records(tensors) ? y.Attach(new Node(tensors, dim)) : y;
        }
    }

    private static void Fill(Tensor y, ReadOnlySpan<Tensor> tensors, int dim)
    {
        long start = 0;
        foreach (var tensor in tensors)
        {
            SliceOp.View(y, dim, start, tensor.Shape[dim]).CopyFrom(tensor);
            start += tensor.Shape[dim];
        }
    }

    private static void Check(Tensor first, Tensor tensor, int dim)
    {
        var agree = tensor.DType == first.DType && tensor.Dims == first.Dims;
        for (var i = 0; agree && i < first.Dims; i++)
            agree = i == dim || tensor.Shape.Extents[i] == first.Shape.Extents[i];
        if (!agree)
            throw new ArgumentException($"Concat of {first} and {tensor} along dimension {dim}: types and all other extents must agree.");
    }

    private sealed class Node : GradientNode
    {
        private readonly int _dim;
        private readonly long[] _starts;

        public Node(ReadOnlySpan<Tensor> tensors, int dim)
            : base(tensors)
        {
            _dim = dim;
            _starts = new long[tensors.Length + 1];
            for (var i = 0; i < tensors.Length; i++)
                _starts[i + 1] = _starts[i] + tensors[i].Shape[dim];
        }

        public override string Name => "Concat";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            for (var i = 0; i < _starts.Length - 1; i++)
                if (sink.Needs(i))
                    sink.Add(i, SliceOp.View(dOutput, _dim, _starts[i], _starts[i + 1] - _starts[i]));
        }
    }
}
