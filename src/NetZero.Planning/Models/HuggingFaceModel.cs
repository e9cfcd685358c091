using System.Text.Json;

namespace NetZero.Planning;

/// <summary>Model descriptions from the <c>config.json</c> of Hugging Face models: the keys and defaults of <c>transformers</c>, by <c>model_type</c>.</summary>
/// <remarks>Only sizes are read, so models that no module of NetZero computes can be planned; one whose blocks this room cannot count is refused.</remarks>
public static class HuggingFaceModel
{
    private const string FileName = "config.json";

    private static readonly string[] _llamaLike = ["llama", "mistral", "qwen2", "mixtral"];
    private static readonly string[] _known = ["gpt2", .. _llamaLike, "mpt", "gpt_neox"];

    /// <summary>Whether a name on the command line is a path to such a file, or to a folder with one.</summary>
    public static bool IsPath(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || File.Exists(Path.Combine(name, FileName));
    }

    /// <summary>Reads a <c>config.json</c>, or that of a folder.</summary>
    /// <exception cref="ArgumentException">Not JSON, a key that is missing or wrong, or a model type that is not known.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ModelDescription Read(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        if (!File.Exists(file))
            throw new ArgumentException($"the model '{path}' does not exist; give a name that netzero knows, or a Hugging Face folder or config.json");
        return Parse(File.ReadAllText(file), file);
    }

    /// <summary>The same from text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What it is called in errors; the folder's name, if it has one, becomes the model's.</param>
    /// <exception cref="ArgumentException">As <see cref="Read"/>.</exception>
    public static ModelDescription Parse(string json, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Of(new Keys(document.RootElement, where), Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(where))) is { Length: > 0 } name ? name : where).Checked();
        }
        catch (JsonException problem)
        {
            throw new ArgumentException($"{where}: {problem.Message.ReplaceLineEndings(" ")}", problem);
        }
    }

    private static ModelDescription Of(Keys keys, string name) => keys.Text("model_type") switch
    {
        "gpt2" => Gpt2(keys, name),
        "mpt" => Mpt(keys, name),
        "gpt_neox" => NeoX(keys, name),
        var type when Array.IndexOf(_llamaLike, type) >= 0 => Llama(keys, name, type),
        var type => throw new ArgumentException(
            $"{keys.Where}: model_type is '{type}', whose blocks the planner cannot count; it knows {string.Join(", ", _known)}"),
    };

    private static ModelDescription Gpt2(Keys keys, string name)
    {
        var (hidden, heads) = (keys.Count("n_embd", 768), keys.Count("n_head", 12));
        return Dense(keys, name, keys.Count("n_layer", 12), hidden, heads, keys.Count("vocab_size", 50257)) with
        {
            FeedForward = keys.Count("n_inner", 4 * hidden),
            Positions = keys.Count("n_positions", 1024),
            LinearBias = true,
            NormBias = true,
            TiedHead = keys.Flag("tie_word_embeddings", true),
        };
    }

    private static ModelDescription Mpt(Keys keys, string name)
    {
        var (hidden, biases) = (keys.Count("d_model", 2048), !keys.Flag("no_bias", true));
        return Dense(keys, name, keys.Count("n_layers", 24), hidden, keys.Count("n_heads", 16), keys.Count("vocab_size", 50368)) with
        {
            FeedForward = keys.Count("expansion_ratio", 4) * hidden,
            Positions = keys.Flag("learned_pos_emb", true) && !keys.Inside("attn_config").Flag("alibi", true) ? keys.Count("max_seq_len", 2048) : 0,
            LinearBias = biases,
            NormBias = biases,
            TiedHead = keys.Flag("tie_word_embeddings", true),
        };
    }

    private static ModelDescription NeoX(Keys keys, string name) => Dense(
        keys, name, keys.Count("num_hidden_layers", 44), keys.Count("hidden_size", 6144), keys.Count("num_attention_heads", 64), keys.Count("vocab_size", 50432)) with
    {
        FeedForward = keys.Count("intermediate_size", 24576),
        LinearBias = true,
        NormBias = true,
        TiedHead = keys.Flag("tie_word_embeddings", false),
    };

    private static ModelDescription Llama(Keys keys, string name, string type)
    {
        var (hidden, heads) = (keys.Count("hidden_size"), keys.Count("num_attention_heads"));
        return Dense(keys, name, keys.Count("num_hidden_layers"), hidden, heads, keys.Count("vocab_size")) with
        {
            KeyValueHeads = keys.Count("num_key_value_heads", heads),
            HeadSize = keys.Count("head_dim", hidden / heads),
            FeedForward = keys.Count("intermediate_size"),
            Gated = true,
            AttentionInputBias = keys.Flag("attention_bias", type == "qwen2"),
            TiedHead = keys.Flag("tie_word_embeddings", false),
            Experts = type == "mixtral" ? keys.Count("num_local_experts", 8) : 1,
            ActiveExperts = type == "mixtral" ? keys.Count("num_experts_per_tok", 2) : 1,
        };
    }

    private static ModelDescription Dense(Keys keys, string name, int layers, int hidden, int heads, int vocabulary) => hidden % heads == 0
        ? new()
        {
            Name = name,
            Layers = layers,
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / heads,
            FeedForward = 4 * hidden,
            Vocabulary = vocabulary,
        }
        : throw new ArgumentException($"{keys.Where}: {heads} heads do not divide a hidden size of {hidden}");

    private readonly record struct Keys(JsonElement Root, string Where)
    {
        public int Count(string key, int? otherwise = null)
        {
            if (Value(key) is not { } value)
                return otherwise ?? throw new ArgumentException($"{Where}: '{key}' is missing");
            return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count > 0
                ? count
                : throw new ArgumentException($"{Where}: '{key}' is {value.GetRawText()}; expected a whole number above 0");
        }

        public bool Flag(string key, bool otherwise) => Value(key) switch
        {
            null => otherwise,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            { } value => throw new ArgumentException($"{Where}: '{key}' is {value.GetRawText()}; expected true or false"),
        };

        public string Text(string key) => Value(key) is { ValueKind: JsonValueKind.String } value
            ? value.GetString()!
            : throw new ArgumentException($"{Where}: '{key}' is missing; a config.json says which model it is of");

        public Keys Inside(string key) => Value(key) is { ValueKind: JsonValueKind.Object } value ? this with { Root = value } : this with { Root = default };

        private JsonElement? Value(string key) =>
            Root.ValueKind == JsonValueKind.Object && Root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
