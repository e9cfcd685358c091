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
            var config = HuggingFaceGpt2Config.Read(folder);
            return new ModelConfiguration
            {
                Layers = config.NLayer,
                Heads = config.NHead,
                Embedding = config.NEmbd,
                Positions = config.NPositions,
                VocabularySize = config.VocabSize,
                LayerNormEpsilon = config.LayerNormEpsilon,
            };
        }
        catch (CheckpointFormatException e)
        {
            throw new ConfigurationException($"'init_from': {e.Message} (looked in {Path.GetFullPath(folder)})", e);
        }
    }
}
