using System.Text.Json;
using NetZero.Nn;

namespace NetZero.Checkpoints;

/// <summary>The <c>adapter_config.json</c> of a folder in PEFT's layout. Keys that do not change what an adapter computes are left out; values that this library cannot compute are errors.</summary>
/// <param name="Options">The adapter's settings. <see cref="LoraOptions.TargetModules"/> is empty where the file has an expression; the tensors then say which layers are meant.</param>
/// <param name="BaseModel"><c>base_model_name_or_path</c>: the model that it was trained on; null where the file does not say.</param>
public sealed record AdapterConfig(LoraOptions Options, string? BaseModel)
{
    /// <summary>The file's name in an adapter's folder.</summary>
    public const string FileName = "adapter_config.json";

    // What changes the computation and is off in all that this library writes: the key, and whether a value means off.
    private static readonly string[] OffKeys =
    [
        "use_dora", "lora_bias", "modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern", "layer_replication", "exclude_modules",
        "trainable_token_indices", "target_parameters", "alora_invocation_tokens", "use_qalora", "arrow_config",
    ];

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="CheckpointFormatException">No such file, not JSON, or a value that is wrong or not supported: named.</exception>
    public static AdapterConfig Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new CheckpointFormatException(folder, Directory.Exists(folder) ? $"has no {FileName}, so it is no adapter's folder" : "there is no such folder");
        return JsonFile.Read(path, root => Read(path, root));
    }

    /// <summary>Writes the file into a folder, replacing one that is there. Its bytes depend on the settings alone.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string folder) => JsonFile.Write(Path.Combine(folder, FileName), Write);

    private static AdapterConfig Read(string path, JsonElement root)
    {
        var json = new Gpt2ConfigReader(path, root);
        json.Require("peft_type", "LORA");
        json.Require("bias", "none");
        foreach (var key in OffKeys)
            if (root.TryGetProperty(key, out var value) && !IsOff(value))
                throw json.Bad(key, value.ToString(), "none of it, the only setting that is supported");
        var options = new LoraOptions
        {
            Rank = json.Size("r", null, new LoraOptions().Rank),
            Alpha = json.Number("lora_alpha", new LoraOptions().Alpha, 0, double.PositiveInfinity),
            Dropout = json.Dropout("lora_dropout", 0),
            UseRslora = json.Flag("use_rslora", false),
            TargetModules = Targets(json, root),
        };
        var baseModel = root.TryGetProperty("base_model_name_or_path", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
        return new AdapterConfig(options, baseModel);
    }

    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    // A list of names; or one text, which PEFT takes for an expression.
    private static List<string> Targets(Gpt2ConfigReader json, JsonElement root)
    {
        const string key = "target_modules";
        if (!root.TryGetProperty(key, out var value) || value.ValueKind is JsonValueKind.Null or JsonValueKind.String)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw json.Bad(key, value.ToString(), "a list of names of modules");
        return [.. value.EnumerateArray().Select(item => Gpt2Names.Canonical(item.GetString()!))];
    }

    // PEFT's keys in PEFT's order, which is that of the alphabet.
    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("alpha_pattern");
        json.WriteEndObject();
        json.WriteNull("auto_mapping");
        json.WriteString("base_model_name_or_path", BaseModel);
        json.WriteString("bias", "none");

        // GPT-2's weights are [in, out].
        json.WriteBoolean("fan_in_fan_out", true);
        json.WriteBoolean("inference_mode", true);
        json.WriteBoolean("init_lora_weights", true);
        json.WriteNull("layers_pattern");
        json.WriteNull("layers_to_transform");
        json.WriteNumber("lora_alpha", Options.Alpha);
        json.WriteNumber("lora_dropout", Options.Dropout);
        json.WriteNull("modules_to_save");
        json.WriteString("peft_type", "LORA");
        json.WriteNumber("r", Options.Rank);
        json.WriteStartObject("rank_pattern");
        json.WriteEndObject();
        json.WriteNull("revision");
        json.WriteStartArray("target_modules");
        foreach (var target in Options.TargetModules)
            json.WriteStringValue(target);
        json.WriteEndArray();
        json.WriteString("task_type", "CAUSAL_LM");
        json.WriteBoolean("use_dora", false);
        json.WriteBoolean("use_rslora", Options.UseRslora);
        json.WriteEndObject();
    }
}
