namespace NetZero.Tensors.Cpu;

/// <summary>One of q, k, v, o or their gradients: a pointer and the strides, in elements, of batch, token and head. Channels of a head are adjacent.</summary>
internal readonly record struct AttentionOperand(FloatPointer Elements, long BatchStride, long TokenStride, long HeadStride)
{
    /// <summary>Lists the elements and the strides.</summary>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(Elements);
        arguments.Add(BatchStride);
        arguments.Add(TokenStride);
        arguments.Add(HeadStride);
    }

    /// <summary>The channels of one token in one head.</summary>
    public FloatPointer Row(long batch, long token, long head) =>
        Elements.At((batch * BatchStride) + (token * TokenStride) + (head * HeadStride));
}

/// <summary>The sizes of an attention call.</summary>
/// <param name="Batch">B, the number of sequences.</param>
/// <param name="Tokens">T, the length of each.</param>
/// <param name="Heads">H, the number of query heads.</param>
/// <param name="KeyHeads">The number of key and value heads; it divides H, and query head h uses key head h KeyHeads / H.</param>
/// <param name="HeadChannels">D, the channels of a head.</param>
/// <param name="Scale">What scores are multiplied by, usually 1 / sqrt(D).</param>
/// <param name="Causal">Whether token t sees tokens up to t only.</param>
internal readonly record struct AttentionShape(
    long Batch, long Tokens, long Heads, long KeyHeads, long HeadChannels, float Scale, bool Causal)
{
    // Maximum, exponential (a polynomial of degree 6 with its reduction), sum and scaling of a score.
    private const double ExponentialFlops = 24;

    /// <summary>Lists the sizes, in their order.</summary>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(Batch);
        arguments.Add(Tokens);
        arguments.Add(Heads);
        arguments.Add(KeyHeads);
        arguments.Add(HeadChannels);
        arguments.Add(Scale);
        arguments.Add(Causal);
    }

    /// <summary>Query heads that share a key head.</summary>
    public long GroupSize => Heads / KeyHeads;

    /// <summary>What products of scores with channels come to, and how often each score passes through exponentials.</summary>
    /// <remarks>Under the causal mask a tile of queries sees the tiles of keys before it and its own, whole.</remarks>
    public KernelWork Work(int products, int passes, int elementBytes)
    {
        double keys = AttentionTiles.PaddedKeys(Tokens);
        var scores = Batch * Heads * (Causal ? keys * (keys + AttentionTiles.Keys) / 2 : keys * keys);
        var operands = Batch * Tokens * (Heads + KeyHeads) * HeadChannels * 2.0 * passes;
        return new KernelWork(scores * ((2.0 * products * HeadChannels) + (passes * ExponentialFlops)), operands * elementBytes);
    }

    /// <summary>Keys of the tile from <paramref name="firstKey"/> that query <paramref name="query"/> sees (it may be none: 0 or less).</summary>
    public long VisibleKeys(long query, long firstKey) =>
        Math.Min(AttentionTiles.Keys, (Causal ? Math.Min(query + 1, Tokens) : Tokens) - firstKey);
}
