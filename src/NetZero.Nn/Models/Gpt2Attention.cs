using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Causal self-attention of GPT-2: one projection to queries, keys and values, attention by heads, one projection back. [B, T, C] to [B, T, C].</summary>
public sealed class Gpt2Attention : Layer
{
    private readonly int _heads;
    private readonly float _dropout;
    private readonly Linear _qkv;
    private readonly Linear _projection;

    internal Gpt2Attention(Gpt2Config config)
    {
        _heads = config.HeadCount;
        _dropout = config.Dropout;
        var c = config.EmbeddingSize;
        _qkv = AddChild("c_attn", new Linear(c, 3L * c, layout: WeightLayout.InOut, initializer: Gpt2.WeightInitializer));
        _projection = AddChild("c_proj", new Linear(c, c, layout: WeightLayout.InOut, initializer: Gpt2.ResidualInitializer(config)));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x)
    {
        var qkv = _qkv.Call(x);                        // [B, T, 3C]
        var attended = qkv.CausalAttention(_heads);    // [B, T, C]
        return _projection.Call(attended).Dropout(_dropout);
    }
}
