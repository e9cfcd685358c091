using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y[.., :] = w[ids[..], :]. w [V, C]; ids [..] I32 or I64; y [.., C]. Saves ids. Backward: dw[ids[..], :] += dy[.., :], zero elsewhere,
/// written straight into the gradient of w.
/// </summary>
public static class EmbeddingOp
{
    /// <summary>Rows of a table by their numbers.</summary>
    /// <param name="weight">The table, [V, C].</param>
    /// <param name="ids">Row numbers from 0 to V - 1, of any shape.</param>
    /// <exception cref="ArgumentException">The table is not two-dimensional, ids are not integers, or one lies outside of the table.</exception>
    public static unsafe Tensor Embedding(this Tensor weight, Tensor ids)
    {
        SameContext.Check("Embedding", weight, ids);
        if (weight.Dims != 2)
            throw new ArgumentException($"Embedding: the table {weight} must have the shape [vocabulary, channels].", nameof(weight));
        if (ids.DType is not (DType.I32 or DType.I64))
            throw new ArgumentException($"Embedding: ids must be I32 or I64; found {ids}.", nameof(ids));
        (weight, ids) = (weight.Contiguous(), ids.Contiguous());
        var (vocabulary, columns) = (weight.Shape[0], weight.Shape[1]);
        var y = weight.Context.Empty([.. ids.Shape.Extents, columns], weight.DType);
        weight.Context.Launch(new EmbeddingForwardKernel(
            ids.Bytes(), ids.DType, weight.Floats(), y.Floats(), ids.Elements, vocabulary, columns));
        return GradientNode.Records(weight) ? y.Attach(new Node(weight, ids)) : y;
    }

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _ids;
        private readonly long _vocabulary;
        private readonly long _columns;

        public Node(Tensor weight, Tensor ids)
            : base(weight)
        {
            _ids = Save(ids);
            (_vocabulary, _columns) = (weight.Shape[0], weight.Shape[1]);
        }

        public override string Name => "Embedding";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var target = sink.Target(0);
            Context.Launch(new EmbeddingBackwardKernel(
                _ids.Bytes(), _ids.DType, dOutput.Floats(), target.Tensor.Floats(), _ids.Elements, _vocabulary, _columns,
                target.Accumulate));
        }
    }
}
