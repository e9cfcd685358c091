using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>What <c>init_from</c> says about the model: the sizes that a configuration need not repeat.</summary>
internal static class PretrainedModel
{
    /// <summary>The model of a Hugging Face folder. Dropout is a matter of training, off unless the configuration asks for it.</summary>
    /// <exception cref="ConfigurationException">There is no such folder, or its <c>config.json</c> is not for a model that can be trained.</exception>
    public static ModelConfiguration Read(string folder)
    {
        try
        {
            return Of(HuggingFaceGpt2Config.Read(folder));
        }
        catch (CheckpointFormatException e)
        {
            throw new ConfigurationException($"'init_from': {e.Message} (looked in {Path.GetFullPath(folder)})", e);
        }
    }

    /// <summary>The section <c>model</c> of what a folder describes.</summary>
    public static ModelConfiguration Of(HuggingFaceGpt2Config config) => new()
    {
        Layers = config.NLayer,
        Heads = config.NHead,
        Embedding = config.NEmbd,
        Positions = config.NPositions,
        VocabularySize = config.VocabSize,
        LayerNormEpsilon = config.LayerNormEpsilon,
    };

    /// <summary>Keys that say otherwise than the folder where no tensor's shape would tell: the weights would silently mean something else.</summary>
    public static IEnumerable<string> Contradictions(ModelConfiguration pretrained, ModelConfiguration model)
    {
        if (model.Heads != pretrained.Heads)
            yield return $"'model.n_head' is {model.Heads}, but 'init_from' says {pretrained.Heads}; leave it out";
        if (model.LayerNormEpsilon != pretrained.LayerNormEpsilon)
            yield return $"'model.layer_norm_epsilon' is {model.LayerNormEpsilon}, but 'init_from' says {pretrained.LayerNormEpsilon}; leave it out";
    }
}
