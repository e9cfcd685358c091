using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = softmax(scale q k' + mask) v with q [B, T, H, D] and k, v [B, T, K, D] apart, K dividing H: query head h uses key head h K / H
/// (grouped-query attention). y [B, T, H, D]. The T x T matrix is never stored. Saves q, k, v, y and the logarithms of the softmax
/// denominators [B, H, T]. Backward makes the probabilities again tile by tile.
/// </summary>
public static class AttentionOp
{
    /// <summary>Scaled dot-product attention over heads; q, k and v may be views whose innermost dimension is adjacent in memory.</summary>
    /// <param name="q">Queries, [B, T, H, D].</param>
    /// <param name="k">Keys, [B, T, K, D].</param>
    /// <param name="v">Values, [B, T, K, D].</param>
    /// <param name="causal">Whether token t sees tokens 0 to t only.</param>
    /// <param name="scale">What scores are multiplied by; 1 / sqrt(D) unless given.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static unsafe Tensor Attention(this Tensor q, Tensor k, Tensor v, bool causal = true, double? scale = null)
    {
        SameContext.Check("Attention", [q, k, v]);
        if (q.Dims != 4 || k.Dims != 4 || k.Shape != v.Shape || q.Shape.With(2, k.Shape[2]) != k.Shape || k.Shape[2] < 1
            || q.Shape[2] % k.Shape[2] != 0)
        {
            throw new ArgumentException(
                $"Attention of {q}, {k}, {v}: expected [batch, tokens, heads, channels] for all, equal but for the heads, the heads of keys and "
                + "values equal and dividing the heads of queries.", nameof(q));
        }

        (q, k, v) = (WithAdjacentChannels(q), WithAdjacentChannels(k), WithAdjacentChannels(v));
        var context = q.Context;
        var shape = new AttentionShape(
            q.Shape[0], q.Shape[1], q.Shape[2], k.Shape[2], q.Shape[3], (float)(scale ?? 1 / Math.Sqrt(q.Shape[3])), causal);
        var records = GradientNode.Records(q, k, v);
        var y = context.ResultOf(KeptOps.Attention, q.Shape, q.DType, out var known);
        var lse = records || context.Keeps(KeptOps.Attention)
            ? context.ResultOf(KeptOps.Attention, [shape.Batch, shape.Heads, shape.Tokens], DType.F32, out known, "Attention lse")
            : null;
        if (!known)
        {
            using var scratch = context.RentWorkspace(AttentionForwardKernel.WorkspaceBytes(context.Threads, shape));
            context.Launch(new AttentionForwardKernel(
                Operand(q), Operand(k), Operand(v), Operand(y), lse is null ? null : lse.Data<float>(), (byte*)scratch.Pointer, shape));
        }

        return records ? y.Attach(new Node(q, k, v, y, lse!, shape)) : y;
    }

    private static Tensor WithAdjacentChannels(Tensor x) => x.Strides[3] == 1 ? x : x.Contiguous();

    private static unsafe AttentionOperand Operand(Tensor x) => new(x.Floats(), x.Strides[0], x.Strides[1], x.Strides[2]);

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _q;
        private readonly Tensor _k;
        private readonly Tensor _v;
        private readonly Tensor _y;
        private readonly Tensor _lse;
        private readonly AttentionShape _shape;

        public Node(Tensor q, Tensor k, Tensor v, Tensor y, Tensor lse, AttentionShape shape)
            : base(q, k, v)
        {
            (_q, _k, _v, _y, _lse) = (Save(q), Save(k), Save(v), Save(y), Save(lse));
            _shape = shape;
        }

        public override string Name => "Attention";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            Tensor dq = Context.Empty(_q.Shape, _q.DType), dk = Context.Empty(_k.Shape, _k.DType), dv = Context.Empty(_v.Shape, _v.DType);
            using (var scratch = Context.RentWorkspace(AttentionBackwardKernel.WorkspaceBytes(Context.Threads, _shape)))
            {
                Context.Launch(new AttentionBackwardKernel(
                    Operand(_q), Operand(_k), Operand(_v), Operand(_y), _lse.Data<float>(), Operand(dOutput), Operand(dq), Operand(dk),
                    Operand(dv), (byte*)scratch.Pointer, _shape));
            }

            Tensor[] gradients = [dq, dk, dv];
            for (var i = 0; i < gradients.Length; i++)
            {
                if (sink.Needs(i))
                    sink.Add(i, gradients[i]);
            }
        }
    }
}
