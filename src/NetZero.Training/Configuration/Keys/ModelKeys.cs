using NetZero.Nn;

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>model</c>.</summary>
internal static class ModelKeys
{
    /// <summary>The section itself.</summary>
    public static readonly Section<ModelConfiguration> Section = new(
        new ValueKey<ModelConfiguration, ModelFamily>(
            "type", new Choice<ModelFamily>(("gpt2", ModelFamily.Gpt2)), m => m.Type, (m, v) => m with { Type = v }, "The family."),
        Counts.Size<ModelConfiguration>("n_layer", m => m.Layers, (m, v) => m with { Layers = v }, "How many blocks.", Gpt2Config.MaxLayerCount),
        Counts.Size<ModelConfiguration>("n_head", m => m.Heads, (m, v) => m with { Heads = v }, "Attention heads of a block; divides n_embd."),
        Counts.Size<ModelConfiguration>("n_embd", m => m.Embedding, (m, v) => m with { Embedding = v }, "The hidden size."),
        Counts.Size<ModelConfiguration>("n_positions", m => m.Positions, (m, v) => m with { Positions = v }, "The longest sequence."),
        Counts.Size<ModelConfiguration>(
            "vocab_size", m => m.VocabularySize, (m, v) => m with { VocabularySize = v }, "Rows of the token embedding; bytes need 256."),
        new ValueKey<ModelConfiguration, double>(
            "layer_norm_epsilon", new RealNumber(0, 1, belowMaximum: true, aboveMinimum: true), m => m.LayerNormEpsilon, (m, v) => m with { LayerNormEpsilon = v },
            "Added to the variance in every LayerNorm."),
        new ValueKey<ModelConfiguration, double>(
            "dropout", new RealNumber(0, 1, belowMaximum: true), m => m.Dropout, (m, v) => m with { Dropout = v },
            "The probability of dropping an element; 0 is off."));
}
