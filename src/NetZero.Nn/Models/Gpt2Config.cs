namespace NetZero.Nn;

/// <summary>The shape of a GPT-2, with the meaning and defaults of Hugging Face's <c>GPT2Config</c>.</summary>
public sealed record Gpt2Config
{
    /// <summary>The most blocks, ten times as many as DeepNet has (Wang et al. 2022): each is modules, parameters and a unit of the schedule, which a mistyped number must not make.</summary>
    public const int MaxLayerCount = 10_000;

    // Weights, gradients and two moments in fp32 have 16 bytes for each parameter; all are counted in 64 bits.
    private const long MaxParameterCount = long.MaxValue / 16;

    /// <summary>GPT-2 124M.</summary>
    public static Gpt2Config Small { get; } = new();

    /// <summary>GPT-2 355M.</summary>
    public static Gpt2Config Medium { get; } = new() { LayerCount = 24, HeadCount = 16, EmbeddingSize = 1024 };

    /// <summary>GPT-2 774M.</summary>
    public static Gpt2Config Large { get; } = new() { LayerCount = 36, HeadCount = 20, EmbeddingSize = 1280 };

    /// <summary>GPT-2 1.5B.</summary>
    public static Gpt2Config ExtraLarge { get; } = new() { LayerCount = 48, HeadCount = 25, EmbeddingSize = 1600 };

    /// <summary><c>n_layer</c>: blocks.</summary>
    public int LayerCount { get; init; } = 12;

    /// <summary><c>n_head</c>: attention heads of each block.</summary>
    public int HeadCount { get; init; } = 12;

    /// <summary><c>n_embd</c>: the hidden size.</summary>
    public int EmbeddingSize { get; init; } = 768;

    /// <summary><c>n_positions</c>: the longest sequence.</summary>
    public int PositionCount { get; init; } = 1024;

    /// <summary><c>vocab_size</c>: token ids.</summary>
    public int VocabularySize { get; init; } = 50257;

    /// <summary><c>layer_norm_epsilon</c>.</summary>
    public float LayerNormEpsilon { get; init; } = 1e-5f;

    /// <summary>Hugging Face's <c>resid_pdrop</c>, <c>embd_pdrop</c> and <c>attn_pdrop</c> in one: the share of values dropped after the embeddings and after each
    /// block's two projections. Attention weights are not dropped: the tiled attention never holds them.</summary>
    public float Dropout { get; init; }

    /// <summary>Whether GELU is the exact one (by erf) instead of <c>gelu_new</c> (by tanh).</summary>
    public bool ExactGelu { get; init; }

    // C (V + P) of the embeddings, 12 C^2 + 13 C of each block's four linear maps and two LayerNorms, 2 C of the last LayerNorm.
    /// <summary>The parameters of such a model, from its sizes alone and without overflow.</summary>
    public Int128 CountParameters()
    {
        Int128 c = EmbeddingSize;
        return (c * ((long)VocabularySize + PositionCount)) + (LayerCount * ((12 * c * c) + (13 * c))) + (2 * c);
    }

    /// <summary>Refuses shapes that cannot be.</summary>
    /// <exception cref="ArgumentException">
    /// An extent below 1, more blocks than <see cref="MaxLayerCount"/>, more parameters than bytes can be counted for, heads that do not divide the hidden size, an epsilon
    /// that is not above 0, or a dropout that is no share.
    /// </exception>
    public void Validate()
    {
        Positive(LayerCount, "n_layer");
        Positive(HeadCount, "n_head");
        Positive(EmbeddingSize, "n_embd");
        Positive(PositionCount, "n_positions");
        Positive(VocabularySize, "vocab_size");
        if (LayerCount > MaxLayerCount)
            throw new ArgumentException($"n_layer is {LayerCount}; it must be at most {MaxLayerCount}.");
        if (CountParameters() is var parameters && parameters > MaxParameterCount)
        {
            throw new ArgumentException(
                $"n_layer {LayerCount}, n_embd {EmbeddingSize}, n_positions {PositionCount} and vocab_size {VocabularySize} make {parameters} parameters, "
                + $"more than the {MaxParameterCount} that memory can be counted for; lower one of them.");
        }

        if (EmbeddingSize % HeadCount != 0)
            throw new ArgumentException($"n_embd {EmbeddingSize} is not divisible by n_head {HeadCount}; each head takes an equal part of the hidden size.");
        if (LayerNormEpsilon is not (> 0 and < float.PositiveInfinity))
            throw new ArgumentException($"layer_norm_epsilon is {LayerNormEpsilon}; it must be above 0.");
        if (Dropout is not (>= 0 and < 1))
            throw new ArgumentException($"dropout is {Dropout}; it must be at least 0 and below 1.");
    }

    private static void Positive(int value, string key)
    {
        if (value < 1)
            throw new ArgumentException($"{key} is {value}; it must be at least 1.");
    }
}
