using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Adapters and the models that they were trained on, as folders.</summary>
public static class AdapterModels
{
    /// <summary>Writes a base with an adapter added as a Hugging Face folder, with the base's tokenizer.</summary>
    /// <param name="model">The base's folder.</param>
    /// <param name="adapter">The adapter's folder, in PEFT's layout.</param>
    /// <param name="folder">The folder to write, which holds no model yet.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one weight file.</param>
    /// <param name="cancellation">Gives up; no weights stay.</param>
    /// <exception cref="ConfigurationException">The folder holds a model.</exception>
    /// <exception cref="CheckpointFormatException">A folder is damaged, or the adapter is of another model.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Merge(string model, string adapter, string folder, long maxShardBytes = long.MaxValue, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentException.ThrowIfNullOrEmpty(adapter);
        CheckpointModels.RequireNoModel(folder);
        using var source = HuggingFaceFolder.Open(model);
        using var adapters = AdapterFolder.Open(adapter);
        AdapterMerge.Write(source, adapters, folder, maxShardBytes, Environment.ProcessorCount, cancellation);
        var tokenizer = Path.Combine(model, Tokenizers.FileName);
        if (File.Exists(tokenizer))
            File.Copy(tokenizer, Path.Combine(folder, Tokenizers.FileName), overwrite: true);
    }
}
