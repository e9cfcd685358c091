namespace NetZero.Training;

/// <summary>The families of models that can be trained.</summary>
public enum ModelFamily
{
    /// <summary>GPT-2: learned positions, LayerNorm before attention and MLP, GELU, tied output projection.</summary>
    Gpt2,
}

/// <summary>The section <c>model</c>: names and meaning as in Hugging Face's <c>GPT2Config</c>; defaults are those of the smallest GPT-2.</summary>
/// <remarks>With <c>init_from</c>, keys that are not given come from that folder's <c>config.json</c>.</remarks>
public sealed record ModelConfiguration
{
    /// <summary>The family.</summary>
    public ModelFamily Type { get; init; } = ModelFamily.Gpt2;

    /// <summary>How many blocks.</summary>
    public int Layers { get; init; } = 12;

    /// <summary>Attention heads of a block; divides <see cref="Embedding"/>.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>The hidden size.</summary>
    public int Embedding { get; init; } = 768;

    /// <summary>The longest sequence: rows of the position embedding.</summary>
    public int Positions { get; init; } = 1024;

    /// <summary>Rows of the token embedding; the byte tokenizer needs 256.</summary>
    public int VocabularySize { get; init; } = 256;

    /// <summary>Added to the variance in every LayerNorm.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>The probability of dropping an element after the embeddings and after each residual branch; 0 is off. Attention weights are not dropped: the tiled attention never holds them.</summary>
    public double Dropout { get; init; }
}
