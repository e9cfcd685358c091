using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>The feed-forward half of a GPT-2 block: C to 4C, GELU, back to C. [B, T, C] to [B, T, C].</summary>
public sealed class Gpt2Mlp : Layer
{
    private readonly float _dropout;
    private readonly bool _exactGelu;
    private readonly Linear _up;
    private readonly Linear _down;

    internal Gpt2Mlp(Gpt2Config config)
    {
        _dropout = config.Dropout;
        _exactGelu = config.ExactGelu;
        var c = config.EmbeddingSize;
        _up = AddChild("c_fc", new Linear(c, 4L * c, layout: WeightLayout.InOut, initializer: Gpt2.WeightInitializer));
        _down = AddChild("c_proj", new Linear(4L * c, c, layout: WeightLayout.InOut, initializer: Gpt2.ResidualInitializer(config)));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x)
    {
        var up = _up.Call(x);                          // [B, T, 4C]
        var activated = _exactGelu ? up.GeluExact() : up.Gelu();
        return _down.Call(activated).Dropout(_dropout);
    }
}
