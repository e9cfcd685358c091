namespace NetZero.Planning;

/// <summary>Llama 2 (H. Touvron et al. 2023) and Llama 3 (A. Dubey et al. 2024, table 3), Qwen 2.5, which adds biases, and Mixtral (A. Jiang et al. 2024), which adds experts.</summary>
internal static class LlamaSizes
{
    public static IEnumerable<ModelDescription> All =>
    [
        Of("llama2-7b", 32, 4096, 32, 32, 11008, 32000),
        Of("llama2-13b", 40, 5120, 40, 40, 13824, 32000),
        Of("llama2-34b", 48, 8192, 64, 8, 22016, 32000),
        Of("llama2-70b", 80, 8192, 64, 8, 28672, 32000),
        Of("llama3-8b", 32, 4096, 32, 8, 14336, 128256),
        Of("llama3-70b", 80, 8192, 64, 8, 28672, 128256),
        Of("llama3-405b", 126, 16384, 128, 8, 53248, 128256),
        Of("llama3.2-1b", 16, 2048, 32, 8, 8192, 128256) with { TiedHead = true },
        Of("llama3.2-3b", 28, 3072, 24, 8, 8192, 128256) with { TiedHead = true },
        Qwen("qwen2.5-0.5b", 24, 896, 14, 2, 4864, 151936) with { TiedHead = true },
        Qwen("qwen2.5-1.5b", 28, 1536, 12, 2, 8960, 151936) with { TiedHead = true },
        Qwen("qwen2.5-3b", 36, 2048, 16, 2, 11008, 151936) with { TiedHead = true },
        Qwen("qwen2.5-7b", 28, 3584, 28, 4, 18944, 152064),
        Qwen("qwen2.5-14b", 48, 5120, 40, 8, 13824, 152064),
        Of("mixtral-8x7b", 32, 4096, 32, 8, 14336, 32000) with { Experts = 8, ActiveExperts = 2 },
        Of("mixtral-8x22b", 56, 6144, 48, 8, 16384, 32000) with { Experts = 8, ActiveExperts = 2 },
    ];

    /// <summary>A Llama: RMSNorm, no biases, rotated positions, SwiGLU, a head of its own.</summary>
    public static ModelDescription Of(string name, int layers, int hidden, int heads, int keyValueHeads, int feedForward, int vocabulary) => new()
    {
        Name = name,
        Layers = layers,
        Hidden = hidden,
        Heads = heads,
        KeyValueHeads = keyValueHeads,
        HeadSize = hidden / heads,
        FeedForward = feedForward,
        Vocabulary = vocabulary,
        Gated = true,
    };

    private static ModelDescription Qwen(string name, int layers, int hidden, int heads, int keyValueHeads, int feedForward, int vocabulary) =>
        Of(name, layers, hidden, heads, keyValueHeads, feedForward, vocabulary) with { AttentionInputBias = true };
}
