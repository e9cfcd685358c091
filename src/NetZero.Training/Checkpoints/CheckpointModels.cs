using System.Text.Json;
using NetZero.Checkpoints;
using NetZero.Nn;

namespace NetZero.Training;

/// <summary>The model that a checkpoint is of: from its configuration to a Hugging Face folder, and back.</summary>
public static class CheckpointModels
{
    /// <summary>The scalar of a manifest that is 1 where the model computes the exact GELU: a configuration does not say it.</summary>
    internal const string ExactGelu = "model.exact_gelu";

    private const string ModelSection = "model";
    private const string LoraSection = "lora";
    private const string RankKey = "r";
    private const string StartKey = "init_from";

    /// <summary>Writes a checkpoint's model, and its tokenizer, as a Hugging Face folder, or where adapters were trained these in PEFT's layout; each block is verified on its way.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="folder">The folder, which holds no model yet.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one weight file; a model that fits is one file.</param>
    /// <param name="cancellation">Gives up; nothing stays.</param>
    /// <exception cref="ConfigurationException">The folder holds a model, or the checkpoint does not say which model it is of.</exception>
    /// <exception cref="CheckpointException">The checkpoint is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Export(CheckpointReader checkpoint, string folder, long maxShardBytes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        RequireNoModel(folder);
        var run = Configuration(checkpoint);
        var model = RunParts.Model(run, checkpoint.Manifest.Scalars.GetValueOrDefault(ExactGelu) != 0);
        if (run.Lora.ToOptions() is { } adapters)
        {
            var start = checkpoint.Manifest.Configuration!.Value.TryGetProperty(StartKey, out var from) ? from.GetString() : RunFolder.ModelFolder;
            CheckpointConversion.ExportAdapter(checkpoint, RunParts.Module(run, model), adapters, start, folder, cancellation);
            return;
        }

        CheckpointConversion.Export(checkpoint, model.ToHuggingFace(), Gpt2Files.Specs(new Gpt2(model)), folder, maxShardBytes, cancellation);
        var tokenizer = Tokenizers.Create(run.Data.Tokenizer);
        if (tokenizer.VocabularySize <= run.Model.VocabularySize && SaysTokenizer(checkpoint.Manifest))
            tokenizer.Save(folder);
    }

    /// <summary>Makes a checkpoint of step 0 from a Hugging Face folder.</summary>
    /// <param name="source">The folder.</param>
    /// <param name="folder">Where the checkpoint goes.</param>
    /// <param name="cancellation">Gives up; nothing stays.</param>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="ConfigurationException">There are checkpoints already.</exception>
    /// <exception cref="CheckpointFormatException">The source is damaged, or not a model that can be trained.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static string Import(string source, string folder, CancellationToken cancellation = default)
    {
        var checkpoints = new CheckpointFolder(folder);
        if (checkpoints.Steps().Count > 0)
            throw new ConfigurationException($"'{folder}' holds checkpoints already; choose another folder");
        using var files = HuggingFaceFolder.Open(source);
        var config = files.Config.ToModelConfig();
        var tensors = Gpt2Files.Specs(new Gpt2(config));
        files.Match(tensors);
        using var configuration = JsonDocument.Parse(new RunConfiguration { Model = PretrainedModel.Of(files.Config) }.ToJson());
        var model = configuration.RootElement.GetProperty(ModelSection).GetRawText();
        var manifest = new CheckpointManifest
        {
            Scalars = Scalars(config),
            Configuration = JsonDocument.Parse($$"""{"{{ModelSection}}":{{model}}}""").RootElement,
        };
        return CheckpointConversion.Import(files, tensors, checkpoints, manifest, cancellation);
    }

    /// <summary>Refuses a folder that holds a model.</summary>
    /// <exception cref="ConfigurationException">It does.</exception>
    internal static void RequireNoModel(string folder)
    {
        if (Directory.Exists(folder) && (File.Exists(Path.Combine(folder, HuggingFaceGpt2Config.FileName)) || Directory.EnumerateFiles(folder, "*.safetensors").Any()))
            throw new ConfigurationException($"'{folder}' holds a model already; choose another folder");
    }

    /// <summary>What a manifest says of a model beyond its configuration.</summary>
    internal static Dictionary<string, double> Scalars(Gpt2Config model) => model.ExactGelu ? new() { [ExactGelu] = 1 } : [];

    // Its model, adapters and tokenizer. Other sections may have keys of another version, which are of no interest here.
    private static RunConfiguration Configuration(CheckpointReader checkpoint)
    {
        if (checkpoint.Manifest.Configuration is not { } saved || !saved.TryGetProperty(ModelSection, out var model))
            throw new ConfigurationException($"'{checkpoint.Path}' does not say which model it is of, so it cannot be exported");
        var data = SaysTokenizer(checkpoint.Manifest) ? $", \"tokenizer\": {saved.GetProperty("data").GetProperty("tokenizer").GetRawText()}" : "";
        var lora = saved.TryGetProperty(LoraSection, out var section) ? $", \"{LoraSection}\": {section.GetRawText()}" : "";
        // What the base was kept in is nothing to its adapters, and codes would ask for the base.
        IReadOnlyList<string> overrides = lora.Length > 0 && section.TryGetProperty(RankKey, out _) ? [$"{LoraSection}.base_dtype=run"] : [];
        return RunConfiguration.Parse($$"""{"{{ModelSection}}": {{model.GetRawText()}}{{lora}}, "data": {"train": "-"{{data}}}, "train_batch_size": 1, "steps": 1}""", overrides);
    }

    private static bool SaysTokenizer(CheckpointManifest manifest) =>
        manifest.Configuration is { } saved && saved.TryGetProperty("data", out var data) && data.TryGetProperty("tokenizer", out _);
}
