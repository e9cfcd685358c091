using System.Globalization;
using System.Text.RegularExpressions;

namespace NetZero.Checkpoints;

/// <summary>What Hugging Face's GPT-2 files call tensors, beyond the names of the model itself.</summary>
internal static partial class Gpt2Names
{
    /// <summary>Stands before the names of the inner model in files saved from a model with a head.</summary>
    public const string Prefix = "transformer.";

    /// <summary>The token embedding.</summary>
    public const string Embedding = "wte.weight";

    /// <summary>The position embedding.</summary>
    public const string Positions = "wpe.weight";

    /// <summary>The output projection; in most files absent or the same as <see cref="Embedding"/>.</summary>
    public const string Head = "lm_head.weight";

    /// <summary>The name without the prefix.</summary>
    public static string Canonical(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    /// <summary>Whether a tensor is a causal mask or its fill value, which older versions saved and no version needs.</summary>
    public static bool IsMaskBuffer(string canonicalName) => MaskBuffer().IsMatch(canonicalName);

    /// <summary>The number of the block that a tensor belongs to; null where it belongs to none.</summary>
    public static int? Block(string canonicalName) =>
        BlockName().Match(canonicalName) is { Success: true } match
        && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var block) ? block : null;

    [GeneratedRegex(@"^h\.([0-9]+)\.", RegexOptions.CultureInvariant)]
    private static partial Regex BlockName();

    [GeneratedRegex(@"^h\.[0-9]+\.attn\.(bias|masked_bias)$", RegexOptions.CultureInvariant)]
    private static partial Regex MaskBuffer();
}
