namespace NetZero.Checkpoints;

/// <summary>What PEFT's files call an adapter's tensors: <c>base_model.model.transformer.h.0.attn.c_attn.lora_A.weight</c> for <c>h.0.attn.c_attn.lora_A.weight</c>.</summary>
internal static class AdapterNames
{
    /// <summary>The file with the tensors.</summary>
    public const string Weights = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";

    // PEFT stands around the model with a head, whose inner model is "transformer".
    public static string InFile(string name) => Prefix + Gpt2Names.Prefix + name;

    /// <summary>The model's own name; null for what is no adapter's.</summary>
    public static string? Canonical(string fileName) =>
        fileName.StartsWith(Prefix, StringComparison.Ordinal) ? Gpt2Names.Canonical(fileName[Prefix.Length..]) : null;
}
