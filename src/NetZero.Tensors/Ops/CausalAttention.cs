using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = softmax(scale q k' + mask) v for H heads, with q, k and v packed side by side as GPT-2's projection gives them.
/// qkv [B, T, 3 C], y [B, T, C], D = C / H channels a head. The T x T matrix is never stored. Saves qkv, y and the logarithms of the
/// softmax denominators [B, H, T]. Backward makes the probabilities again tile by tile.
/// </summary>
public static class CausalAttentionOp
{
    /// <summary>Self-attention in which token t sees tokens 0 to t.</summary>
    /// <param name="qkv">Queries, keys and values, [B, T, 3 C], each C = heads x D wide.</param>
    /// <param name="heads">H, the number of heads.</param>
    /// <param name="scale">What scores are multiplied by; 1 / sqrt(D) unless given.</param>
    /// <exception cref="ArgumentException">Not three-dimensional, or the last dimension is not 3 times a multiple of the heads.</exception>
    public static unsafe Tensor CausalAttention(this Tensor qkv, long heads, double? scale = null)
    {
        if (qkv.Dims != 3 || heads < 1 || qkv.Shape[2] % (3 * heads) != 0)
            throw new ArgumentException(
                $"CausalAttention of {qkv} with {heads} heads: expected [batch, tokens, 3 x channels] with channels divisible by the heads.",
                nameof(qkv));
        qkv = qkv.Contiguous();
        var context = qkv.Context;
        var (batch, tokens, channels) = (qkv.Shape[0], qkv.Shape[1], qkv.Shape[2] / 3);
        var headChannels = channels / heads;
        var shape = new AttentionShape(
            batch, tokens, heads, heads, headChannels, (float)(scale ?? 1 / Math.Sqrt(headChannels)), Causal: true);
        var records = GradientNode.Records(qkv);
        var y = context.ResultOf(KeptOps.Attention, [batch, tokens, channels], qkv.DType, out var known);
        var lse = records || context.Keeps(KeptOps.Attention)
            ? context.ResultOf(KeptOps.Attention, [batch, heads, tokens], DType.F32, out known, "CausalAttention lse")
            : null;
        if (!known)
        {
            using var scratch = context.RentWorkspace(AttentionForwardKernel.WorkspaceBytes(context.Threads, shape));
            context.Launch(new AttentionForwardKernel(
                Part(qkv, 0, shape), Part(qkv, 1, shape), Part(qkv, 2, shape), Output(y, shape), lse is null ? null : lse.Data<float>(),
                (byte*)scratch.Pointer, shape));
        }

        return records ? y.Attach(new Node(qkv, y, lse!, shape)) : y;
    }

    // Queries are part 0 of each token, keys part 1, values part 2.
    private static unsafe AttentionOperand Part(Tensor qkv, int part, AttentionShape shape)
    {
        var channels = shape.Heads * shape.HeadChannels;
        return new(qkv.Floats().At(part * channels), shape.Tokens * 3 * channels, 3 * channels, shape.HeadChannels);
    }

    private static unsafe AttentionOperand Output(Tensor y, AttentionShape shape)
    {
        var channels = shape.Heads * shape.HeadChannels;
        return new(y.Floats(), shape.Tokens * channels, channels, shape.HeadChannels);
    }

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _qkv;
        private readonly Tensor _y;
        private readonly Tensor _lse;
        private readonly AttentionShape _shape;

        public Node(Tensor qkv, Tensor y, Tensor lse, AttentionShape shape)
            : base(qkv)
        {
            _qkv = Save(qkv);
            _y = Save(y);
            _lse = Save(lse);
            _shape = shape;
        }

        public override string Name => "CausalAttention";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var dqkv = Context.Empty(_qkv.Shape, _qkv.DType, name: "gradient");
            using (var scratch = Context.RentWorkspace(AttentionBackwardKernel.WorkspaceBytes(Context.Threads, _shape)))
            {
                Context.Launch(new AttentionBackwardKernel(
                    Part(_qkv, 0, _shape), Part(_qkv, 1, _shape), Part(_qkv, 2, _shape), Output(_y, _shape), _lse.Data<float>(),
                    Output(dOutput, _shape), Part(dqkv, 0, _shape), Part(dqkv, 1, _shape), Part(dqkv, 2, _shape),
                    (byte*)scratch.Pointer, _shape));
            }

            sink.Add(0, dqkv);
        }
    }
}
