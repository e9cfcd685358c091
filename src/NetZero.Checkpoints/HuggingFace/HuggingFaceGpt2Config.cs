using System.Text.Json;
using NetZero.Nn;

namespace NetZero.Checkpoints;

/// <summary>
/// The <c>config.json</c> of a Hugging Face GPT-2, with the names and defaults of its <c>GPT2Config</c>. Keys that do not change what the
/// model computes are accepted and left out; values that this library cannot compute are errors.
/// </summary>
public sealed record HuggingFaceGpt2Config
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "config.json";

    /// <summary><c>vocab_size</c>: rows of the token embedding.</summary>
    public int VocabSize { get; init; } = 50257;

    /// <summary><c>n_positions</c>: the longest sequence, rows of the position embedding.</summary>
    public int NPositions { get; init; } = 1024;

    /// <summary><c>n_embd</c>: the hidden size, a multiple of <see cref="NHead"/>.</summary>
    public int NEmbd { get; init; } = 768;

    /// <summary><c>n_layer</c>: the number of blocks.</summary>
    public int NLayer { get; init; } = 12;

    /// <summary><c>n_head</c>: the number of attention heads.</summary>
    public int NHead { get; init; } = 12;

    /// <summary><c>layer_norm_epsilon</c>.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary><c>activation_function</c>: <c>gelu_new</c> or <c>gelu_pytorch_tanh</c> (the tanh form), or <c>gelu</c> (exact).</summary>
    public string ActivationFunction { get; init; } = "gelu_new";

    /// <summary><c>embd_pdrop</c>: dropout after the embeddings.</summary>
    public double EmbdPdrop { get; init; } = 0.1;

    /// <summary><c>attn_pdrop</c>: dropout of the attention weights.</summary>
    public double AttnPdrop { get; init; } = 0.1;

    /// <summary><c>resid_pdrop</c>: dropout before each residual sum.</summary>
    public double ResidPdrop { get; init; } = 0.1;

    /// <summary><c>tie_word_embeddings</c>: whether the output projection is the token embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Whether <see cref="ActivationFunction"/> is the tanh form of GELU rather than the exact one.</summary>
    public bool UsesTanhGelu => ActivationFunction != "gelu";

    /// <summary>Reads the configuration in a model folder.</summary>
    /// <exception cref="CheckpointFormatException">No such file, not JSON, or a value that is wrong or not supported: named.</exception>
    public static HuggingFaceGpt2Config Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new CheckpointFormatException(folder, Directory.Exists(folder) ? $"has no {FileName}" : "there is no such folder");
        return JsonFile.Read(path, root => Read(new Gpt2ConfigReader(path, root)));
    }

    /// <summary>Writes <c>config.json</c> into a folder, replacing one that is there.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string folder) => JsonFile.Write(Path.Combine(folder, FileName), Write);

    private static HuggingFaceGpt2Config Read(Gpt2ConfigReader json)
    {
        json.Require("model_type", "gpt2");
        json.RequireTrue("scale_attn_weights");
        json.RequireFalse("scale_attn_by_inverse_layer_idx");
        json.RequireFalse("add_cross_attention");
        var d = new HuggingFaceGpt2Config();
        var config = new HuggingFaceGpt2Config
        {
            VocabSize = json.Size("vocab_size", null, d.VocabSize),
            NPositions = json.Size("n_positions", "max_position_embeddings", d.NPositions),
            NEmbd = json.Size("n_embd", "hidden_size", d.NEmbd),
            NLayer = json.Size("n_layer", "num_hidden_layers", d.NLayer, Gpt2Config.MaxLayerCount),
            NHead = json.Size("n_head", "num_attention_heads", d.NHead),
            LayerNormEpsilon = json.Number("layer_norm_epsilon", d.LayerNormEpsilon, above: 0, below: 1),
            ActivationFunction = json.OneOf("activation_function", d.ActivationFunction, "gelu_new", "gelu_pytorch_tanh", "gelu"),
            EmbdPdrop = json.Dropout("embd_pdrop", d.EmbdPdrop),
            AttnPdrop = json.Dropout("attn_pdrop", d.AttnPdrop),
            ResidPdrop = json.Dropout("resid_pdrop", d.ResidPdrop),
            TieWordEmbeddings = json.Flag("tie_word_embeddings", d.TieWordEmbeddings),
        };
        if (config.NEmbd % config.NHead != 0)
            throw json.Bad("n_embd", $"{config.NEmbd}", $"a multiple of n_head ({config.NHead})");
        if (json.OptionalSize("n_inner") is { } inner && inner != 4L * config.NEmbd)
            throw json.Bad("n_inner", $"{inner}", $"null or 4 n_embd ({4L * config.NEmbd})");
        try
        {
            config.ToModelConfig().Validate();
        }
        catch (ArgumentException e)
        {
            throw json.Impossible(e);
        }

        return config;
    }

    // In alphabetical order and with the keys that a loader needs, as Hugging Face's own files.
    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("activation_function", ActivationFunction);
        json.WriteStartArray("architectures");
        json.WriteStringValue("GPT2LMHeadModel");
        json.WriteEndArray();
        json.WriteNumber("attn_pdrop", AttnPdrop);
        json.WriteNumber("embd_pdrop", EmbdPdrop);
        json.WriteNumber("layer_norm_epsilon", LayerNormEpsilon);
        json.WriteString("model_type", "gpt2");
        json.WriteNumber("n_embd", NEmbd);
        json.WriteNumber("n_head", NHead);
        json.WriteNumber("n_layer", NLayer);
        json.WriteNumber("n_positions", NPositions);
        json.WriteNumber("resid_pdrop", ResidPdrop);
        json.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
        json.WriteString("torch_dtype", "float32");
        json.WriteNumber("vocab_size", VocabSize);
        json.WriteEndObject();
    }
}
