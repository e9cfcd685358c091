using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>One block of GPT-2: x + attention(ln_1(x)), then x + mlp(ln_2(x)). [B, T, C] to [B, T, C]. A sharding unit.</summary>
public sealed class Gpt2Block : Layer
{
    private readonly LayerNorm _norm1;
    private readonly Gpt2Attention _attention;
    private readonly LayerNorm _norm2;
    private readonly Gpt2Mlp _mlp;

    internal Gpt2Block(Gpt2Config config)
    {
        _norm1 = AddChild("ln_1", new LayerNorm(config.EmbeddingSize, config.LayerNormEpsilon));
        _attention = AddChild("attn", new Gpt2Attention(config));
        _norm2 = AddChild("ln_2", new LayerNorm(config.EmbeddingSize, config.LayerNormEpsilon));
        _mlp = AddChild("mlp", new Gpt2Mlp(config));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x)
    {
        x += _attention.Call(_norm1.Call(x));
        return x + _mlp.Call(_norm2.Call(x));
    }
}
