using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>GPT-2 (Radford et al. 2019) with the parameter names of Hugging Face's <c>GPT2LMHeadModel</c>, head tied to the token embedding.</summary>
public sealed class Gpt2 : Module
{
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly Gpt2Block[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the model without memory.</summary>
    /// <exception cref="ArgumentException">The configuration cannot be.</exception>
    public Gpt2(Gpt2Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _tokens = AddChild("wte", new Embedding(config.VocabularySize, config.EmbeddingSize, WeightInitializer, isProjected: true));
        _positions = AddChild("wpe", new Embedding(config.PositionCount, config.EmbeddingSize, WeightInitializer));
        _blocks = new Gpt2Block[config.LayerCount];
        for (var i = 0; i < _blocks.Length; i++)
            _blocks[i] = AddUnit($"h.{i}", new Gpt2Block(config));
        _norm = AddChild("ln_f", new LayerNorm(config.EmbeddingSize, config.LayerNormEpsilon));
    }

    /// <summary>The shape.</summary>
    public Gpt2Config Config { get; }

    // GPT-2 paper, section 2.3: weights of the projections back into the residual stream are scaled by 1/sqrt(number of residual layers).
    internal static Initializer WeightInitializer { get; } = Initializer.Normal(0.02f);

    internal static Initializer ResidualInitializer(Gpt2Config config) =>
        Initializer.Normal(0.02f / MathF.Sqrt(2 * config.LayerCount));

    /// <summary>The mean cross-entropy, in nats, of predicting each target. Shapes: tokens and targets [B, T] of I32; result [].</summary>
    /// <exception cref="ArgumentException">T is longer than n_positions.</exception>
    public Tensor Loss(Tensor tokens, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(targets);
        using var call = Enter(tokens.Context);
        var hidden = Hidden(tokens);
        var logits = Head(hidden);
        return call.Return(logits.CrossEntropy(targets, overwriteLogits: true)); // nobody else reads them
    }

    /// <summary>The logits of the token that follows a position. Shapes: tokens [B, T] of I32; result [B, V].</summary>
    /// <param name="tokens">The text.</param>
    /// <param name="position">The position that the token follows, from 0; the last by default. Attention is causal: tokens behind it change nothing.</param>
    /// <exception cref="ArgumentException">T is longer than n_positions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The position is not in the text.</exception>
    public Tensor NextTokenLogits(Tensor tokens, long? position = null)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var at = position ?? tokens.Shape[1] - 1;
        ArgumentOutOfRangeException.ThrowIfNegative(at, nameof(position));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(at, tokens.Shape[1], nameof(position));
        using var call = Enter(tokens.Context);
        var hidden = Hidden(tokens);                              // [B, T, C]
        var row = hidden.Slice(1, at, 1).Contiguous();            // [B, 1, C]
        return call.Return(Head(row).Reshape(tokens.Shape[0], Config.VocabularySize));
    }

    private Tensor Hidden(Tensor tokens)
    {
        var length = tokens.Shape[^1];
        if (length > Config.PositionCount)
            throw new ArgumentException($"A sequence of {length:N0} tokens is longer than n_positions {Config.PositionCount:N0}.", nameof(tokens));
        var positions = _positions.Weight.Value.Slice(0, 0, length);                        // [T, C]
        // What is looked up in codes is fp32: it takes the type of the others here.
        var x = (_tokens.Call(tokens).Cast(positions.DType) + positions).Dropout(Config.Dropout);             // [B, T, C]
        foreach (var block in _blocks)
            x = block.Call(x);
        return _norm.Call(x);
    }

    private Tensor Head(Tensor hidden) => _tokens.Project(hidden);
}
