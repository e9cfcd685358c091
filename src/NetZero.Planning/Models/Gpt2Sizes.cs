namespace NetZero.Planning;

/// <summary>GPT-2 (A. Radford et al. 2019, table 2) with the parameter counts of the released checkpoints, and GPT-3 (T. Brown et al. 2020, table 2.1).</summary>
/// <remarks>GPT-3's table rounds: its XL lists 24 heads of 128 at width 2,048 and its 13B the width 5,140; heads x head size = width, as all other rows have it, is used.</remarks>
internal static class Gpt2Sizes
{
    private const int Vocabulary = 50257;

    public static IEnumerable<ModelDescription> All =>
    [
        Of("gpt2", 12, 768, 12, 1024),
        Of("gpt2-medium", 24, 1024, 16, 1024),
        Of("gpt2-large", 36, 1280, 20, 1024),
        Of("gpt2-xl", 48, 1600, 25, 1024),
        Of("gpt3-125m", 12, 768, 12, 2048),
        Of("gpt3-350m", 24, 1024, 16, 2048),
        Of("gpt3-760m", 24, 1536, 16, 2048),
        Of("gpt3-1.3b", 24, 2048, 16, 2048),
        Of("gpt3-2.7b", 32, 2560, 32, 2048),
        Of("gpt3-6.7b", 32, 4096, 32, 2048),
        Of("gpt3-13b", 40, 5120, 40, 2048),
        Of("gpt3-175b", 96, 12288, 96, 2048),
    ];

    /// <summary>A GPT-2: LayerNorm, biases, learned positions, GELU, tied head.</summary>
    public static ModelDescription Of(string name, int layers, int hidden, int heads, int positions, int vocabulary = Vocabulary) => new()
    {
        Name = name,
        Layers = layers,
        Hidden = hidden,
        Heads = heads,
        KeyValueHeads = heads,
        HeadSize = hidden / heads,
        FeedForward = 4 * hidden,
        Vocabulary = vocabulary,
        Positions = positions,
        TiedHead = true,
        LinearBias = true,
        NormBias = true,
    };
}
