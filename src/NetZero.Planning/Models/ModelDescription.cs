namespace NetZero.Planning;

/// <summary>A decoder-only transformer as numbers: enough to count its parameters and what a step of it costs, whether or not a module of it exists.</summary>
/// <remarks>
/// A block is norm, attention (queries of <see cref="Heads"/> heads, keys and values of <see cref="KeyValueHeads"/>), norm and an MLP, or
/// <see cref="Experts"/> of them behind a router; the names are those of Hugging Face configurations where they have one.
/// </remarks>
public sealed record ModelDescription
{
    /// <summary>What it is called, such as <c>llama3-70b</c>.</summary>
    public required string Name { get; init; }

    /// <summary>L, the number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>C, the hidden size.</summary>
    public required int Hidden { get; init; }

    /// <summary>Heads of queries.</summary>
    public required int Heads { get; init; }

    /// <summary>Heads of keys and values; equal to <see cref="Heads"/> without grouped queries.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements of one head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>F, the width between the two (or three, if gated) projections of the MLP.</summary>
    public required int FeedForward { get; init; }

    /// <summary>V, rows of the token embedding.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Rows of a learned position embedding; 0 where positions are rotated or added to the scores.</summary>
    public int Positions { get; init; }

    /// <summary>Whether the output projection is the token embedding.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether the MLP multiplies its input by a gate (SwiGLU): three projections instead of two.</summary>
    public bool Gated { get; init; }

    /// <summary>Whether every linear layer of a block has a bias.</summary>
    public bool LinearBias { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias although the others have none (Qwen).</summary>
    public bool AttentionInputBias { get; init; }

    /// <summary>Whether norms have a bias (LayerNorm) or only a weight (RMSNorm).</summary>
    public bool NormBias { get; init; }

    /// <summary>MLPs of a block; 1 is a dense model.</summary>
    public int Experts { get; init; } = 1;

    /// <summary>MLPs that a token passes through.</summary>
    public int ActiveExperts { get; init; } = 1;

    /// <summary>Width of the queries: heads times head size.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Width of the keys, and of the values.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Parameters of attention and its projections in one block.</summary>
    public long AttentionParameters =>
        (long)Hidden * (2L * QueryWidth + 2L * KeyValueWidth)
        + (LinearBias || AttentionInputBias ? QueryWidth + 2L * KeyValueWidth : 0) + (LinearBias ? Hidden : 0);

    /// <summary>Parameters of one MLP.</summary>
    public long ExpertParameters =>
        (Gated ? 3L : 2L) * Hidden * FeedForward + (LinearBias ? (Gated ? 2L : 1L) * FeedForward + Hidden : 0);

    /// <summary>Parameters of one block: attention, every expert, the router and two norms.</summary>
    public long BlockParameters =>
        AttentionParameters + Experts * ExpertParameters + (Experts > 1 ? (long)Hidden * Experts : 0) + 2 * NormParameters;

    /// <summary>Parameters outside the blocks: embeddings, final norm, and the output projection unless it is tied.</summary>
    public long RootParameters => (TiedHead ? 1L : 2L) * Vocabulary * Hidden + (long)Positions * Hidden + NormParameters;

    /// <summary>All parameters, tied ones once.</summary>
    public long Parameters => checked(Layers * BlockParameters + RootParameters);

    /// <summary>Parameters that a token is multiplied with: no position embedding, and of the experts only the active ones; a tied head counts once.</summary>
    public long ActiveParameters =>
        Parameters - (long)Positions * Hidden - (long)Layers * (Experts - ActiveExperts) * ExpertParameters;

    private long NormParameters => NormBias ? 2L * Hidden : Hidden;

    /// <summary>Model FLOP of training on one token at <paramref name="sequence"/> tokens a sample; see <see cref="TrainingFlops.PerToken"/>.</summary>
    public double FlopsPerToken(int sequence) => TrainingFlops.PerToken(ActiveParameters, Layers, QueryWidth, sequence);

    /// <summary>Refuses sizes that no model has.</summary>
    /// <exception cref="ArgumentException">A size that is not positive, heads that their keys do not divide, or more active experts than there are.</exception>
    public ModelDescription Checked()
    {
        foreach (var (value, what) in new[]
        {
            (Layers, "layers"), (Hidden, "hidden size"), (Heads, "heads"), (KeyValueHeads, "key and value heads"), (HeadSize, "head size"),
            (FeedForward, "feed-forward width"), (Vocabulary, "vocabulary"), (Experts, "experts"), (ActiveExperts, "active experts"),
        })
        {
            if (value <= 0)
                throw new ArgumentException($"Model '{Name}': {what} is {value}; it must be positive.");
        }

        if (Heads % KeyValueHeads != 0)
            throw new ArgumentException($"Model '{Name}': {Heads} heads are not a multiple of {KeyValueHeads} key and value heads.");
        if (ActiveExperts > Experts)
            throw new ArgumentException($"Model '{Name}': {ActiveExperts} active experts of {Experts}.");
        return this;
    }
}
