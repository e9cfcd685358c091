using NetZero.Nn;
using NetZero.Planning;

namespace NetZero.Training;

/// <summary>A fixed piece of training work, the same as the scripts for other frameworks run.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Model">The model.</param>
/// <param name="SequenceLength">Tokens of a row.</param>
/// <param name="MicroBatchSize">Rows per rank and step.</param>
public sealed record BenchmarkShape(string Name, Gpt2Config Model, int SequenceLength, int MicroBatchSize)
{
    /// <summary>The shapes there are.</summary>
    public static IReadOnlyList<BenchmarkShape> All { get; } =
    [
        new("small", new Gpt2Config { LayerCount = 6, HeadCount = 6, EmbeddingSize = 384, PositionCount = 256, VocabularySize = 256 }, 256, 12),
        new("gpt2", new Gpt2Config { LayerCount = 12, HeadCount = 12, EmbeddingSize = 768, PositionCount = 256, VocabularySize = 50257 }, 256, 2),
    ];

    /// <summary>FLOPs of one token, forward and backward: 6 N + 12 L C T, N without position embeddings (PaLM, appendix B, full attention).</summary>
    public double FlopsPerToken => TrainingProgram.FlopsPerToken(Model, SequenceLength);
}
