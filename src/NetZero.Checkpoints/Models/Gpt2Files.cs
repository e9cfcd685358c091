using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Checkpoints;

/// <summary>GPT-2 models of <c>NetZero.Nn</c> as Hugging Face folders.</summary>
public static class Gpt2Files
{
    /// <summary>The model's shape that a folder describes. Dropout is a matter of training and comes from the run's own configuration.</summary>
    public static Gpt2Config ToModelConfig(this HuggingFaceGpt2Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new Gpt2Config
        {
            LayerCount = config.NLayer,
            HeadCount = config.NHead,
            EmbeddingSize = config.NEmbd,
            PositionCount = config.NPositions,
            VocabularySize = config.VocabSize,
            LayerNormEpsilon = (float)config.LayerNormEpsilon,
            ExactGelu = !config.UsesTanhGelu,
        };
    }

    /// <summary>The folder's description of a model.</summary>
    public static HuggingFaceGpt2Config ToHuggingFace(this Gpt2Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new HuggingFaceGpt2Config
        {
            NLayer = config.LayerCount,
            NHead = config.HeadCount,
            NEmbd = config.EmbeddingSize,
            NPositions = config.PositionCount,
            VocabSize = config.VocabularySize,

            // Through the shortest decimal that reads back to the same float, so that 1e-5 stays 1e-5 in the file.
            LayerNormEpsilon = double.Parse(config.LayerNormEpsilon.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture),
            ActivationFunction = config.ExactGelu ? "gelu" : "gelu_new",
            EmbdPdrop = config.Dropout,
            AttnPdrop = 0,
            ResidPdrop = config.Dropout,
        };
    }

    /// <summary>Writes a sharded model to a folder, without its adapters, if it has any. Every rank calls it; rank 0 writes, unit by unit, so that no rank holds the whole model.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static unsafe void Save(ShardedModule model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        var gpt2 = (Gpt2)model.Module;
        using var writer = model.Group.Rank == 0
            ? HuggingFaceFolderWriter.Create(folder, gpt2.Config.ToHuggingFace(), Specs(gpt2))
            : null;
        var adapters = Lora.Parameters(gpt2).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        model.VisitParameters((name, value) => FlatMemory.Read(value, 0, value.Elements, (first, span) => writer!.Write(name, first, span)), of: name => !adapters.Contains(name));
        writer?.Commit();
        model.Group.Barrier("model saved");
    }

    /// <summary>The tensors of a model, as files hold them; adapters have files of their own.</summary>
    public static IReadOnlyList<TensorSpec> Specs(Gpt2 model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var adapters = Lora.Parameters(model).Select(p => p.Parameter).ToHashSet();
        return [.. model.NamedParameters().Where(p => !adapters.Contains(p.Parameter)).Select(p => new TensorSpec(p.Name, p.Parameter.ValueShape.Extents.ToArray()))];
    }
}
