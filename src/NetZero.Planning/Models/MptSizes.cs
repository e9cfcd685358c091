namespace NetZero.Planning;

/// <summary>MPT as MosaicML's llm-foundry benchmarks train it (scripts/train/benchmarking): a GPT-2 with learned positions of 2,048 tokens, biases and a tied head of 50,368 rows.</summary>
internal static class MptSizes
{
    private const int Vocabulary = 50368;
    private const int Positions = 2048;

    public static IEnumerable<ModelDescription> All =>
    [
        Of("mpt-125m", 12, 768, 12),
        Of("mpt-350m", 24, 1024, 16),
        Of("mpt-760m", 24, 1536, 12),
        Of("mpt-1b", 24, 2048, 16),
        Of("mpt-3b", 32, 2560, 20),
        Of("mpt-7b", 32, 4096, 32),
        Of("mpt-13b", 40, 5120, 40),
        Of("mpt-30b", 48, 7168, 56),
        Of("mpt-70b", 80, 8192, 64),
    ];

    private static ModelDescription Of(string name, int layers, int hidden, int heads) =>
        Gpt2Sizes.Of(name, layers, hidden, heads, Positions, Vocabulary);
}
