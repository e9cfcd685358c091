namespace NetZero.Tensors.Cpu;

/// <summary>
/// The gradients of <see cref="AttentionForwardKernel"/>: with P = exp(scale q k' - lse), made again tile by tile, dv = P' dO, dP = dO v',
/// dS = P (dP - delta), delta = rowsum(dO o), dq = scale dS k, dk = scale dS' q.
/// </summary>
/// <remarks>
/// Dao, Fu, Ermon, Rudra, Re, "FlashAttention" (2022), algorithm 4. A task is one (batch, key head) with all query heads that share it, so
/// dk and dv have one writer and one order of additions. dq, dk and dv are overwritten. Scratch has <see cref="WorkspaceBytes"/>.
/// </remarks>
internal readonly unsafe struct AttentionBackwardKernel(
    AttentionOperand q, AttentionOperand k, AttentionOperand v, AttentionOperand o, float* lse,
    AttentionOperand dO, AttentionOperand dq, AttentionOperand dk, AttentionOperand dv, byte* scratch, AttentionShape shape)
    : IKernel, IParallelBody
{
    /// <summary>Scratch for <paramref name="threads"/> workers: each holds one head's keys and values, their gradients, and one tile of the rest.</summary>
    public static long WorkspaceBytes(int threads, AttentionShape shape) => threads * AttentionGradientTiles.Floats(shape) * sizeof(float);

    /// <inheritdoc/>
    public DType DType => q.Elements.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        q.Describe(ref arguments);
        k.Describe(ref arguments);
        v.Describe(ref arguments);
        o.Describe(ref arguments);
        arguments.Add(lse);
        dO.Describe(ref arguments);
        dq.Describe(ref arguments);
        dk.Describe(ref arguments);
        dv.Describe(ref arguments);
        arguments.Add(scratch);
        shape.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => shape.Work(products: 5, passes: 2, q.Elements.ElementBytes);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(shape.Batch * shape.KeyHeads, ref body);
    }

    public void Run(long index, int worker)
    {
        var (batch, head) = Math.DivRem(index, shape.KeyHeads);
        if (Lanes16.IsSupported)
            KeyHead<Lanes16>(batch, head, worker);
        else if (Lanes8.IsSupported)
            KeyHead<Lanes8>(batch, head, worker);
        else if (Lanes4.IsSupported)
            KeyHead<Lanes4>(batch, head, worker);
        else
            KeyHead<Lanes1>(batch, head, worker);
    }

    private void KeyHead<T>(long batch, long keyHead, int worker)
        where T : struct, ILanes<T>
    {
        var tiles = new AttentionGradientTiles<T>((float*)scratch + (worker * AttentionGradientTiles.Floats(shape)), shape);
        tiles.BeginKeys(k.Row(batch, 0, keyHead), k.TokenStride, v.Row(batch, 0, keyHead), v.TokenStride);
        for (var head = keyHead * shape.GroupSize; head < (keyHead + 1) * shape.GroupSize; head++)
        {
            var headLse = lse + (((batch * shape.Heads) + head) * shape.Tokens);
            for (long first = 0; first < shape.Tokens; first += AttentionTiles.Queries)
            {
                tiles.BeginQueries(
                    first, q.Row(batch, first, head), q.TokenStride, dO.Row(batch, first, head), dO.TokenStride,
                    o.Row(batch, first, head), o.TokenStride, headLse + first);
                var keys = shape.Causal ? Math.Min(shape.Tokens, first + AttentionTiles.Queries) : shape.Tokens;
                for (long firstKey = 0; firstKey < keys; firstKey += AttentionTiles.Keys)
                    tiles.AddKeys(firstKey);
                for (long row = 0; row < tiles.QueryCount; row++)
                    AttentionTiles.StoreRow<T>(
                        tiles.QueryGradients + (row * tiles.Padded), shape.HeadChannels, shape.Scale, dq.Row(batch, first + row, head));
            }
        }

        for (long token = 0; token < shape.Tokens; token++)
        {
            // The queries in the tiles were scaled, so dk is whole.
            AttentionTiles.StoreRow<T>(
                tiles.KeyGradients + (token * tiles.Padded), shape.HeadChannels, 1, dk.Row(batch, token, keyHead));
            AttentionTiles.StoreRow<T>(
                tiles.ValueGradients + (token * tiles.Padded), shape.HeadChannels, 1, dv.Row(batch, token, keyHead));
        }
    }
}
