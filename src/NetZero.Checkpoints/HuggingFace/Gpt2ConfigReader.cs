using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>Takes typed values from a <c>config.json</c>; each error names the file, the key, what was found and what was expected.</summary>
internal sealed class Gpt2ConfigReader(string path, JsonElement root)
{
    /// <summary>A whole number above 0, under its name or under the general name that Hugging Face maps to it.</summary>
    public int Size(string key, string? alias, int fallback, int most = int.MaxValue)
    {
        var value = Size(key, most);
        var aliased = alias is null ? null : Size(alias, most);
        if (value is not null && aliased is not null && value != aliased)
            throw Bad(key, $"{value}", $"{aliased} as {alias}, which means the same");
        return value ?? aliased ?? fallback;
    }

    /// <summary>A whole number above 0, or nothing where the key is absent or null.</summary>
    public int? OptionalSize(string key) =>
        root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Null ? null : Size(key, int.MaxValue);

    /// <summary>A number strictly between two, in fp32 too, in which models compute.</summary>
    public double Number(string key, double fallback, double above, double below)
    {
        if (!root.TryGetProperty(key, out var value))
            return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && (float)number > above && (float)number < below
            ? number
            : throw Bad(key, value.ToString(), $"a number between {above} and {below}, in fp32 too");
    }

    /// <summary>A probability below 1; 0 is off.</summary>
    public double Dropout(string key, double fallback)
    {
        if (!root.TryGetProperty(key, out var value))
            return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= 0 && (float)number < 1
            ? number
            : throw Bad(key, value.ToString(), "a number from 0 to below 1");
    }

    public bool Flag(string key, bool fallback)
    {
        if (!root.TryGetProperty(key, out var value))
            return fallback;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Bad(key, value.ToString(), "true or false"),
        };
    }

    public string OneOf(string key, string fallback, params ReadOnlySpan<string> allowed)
    {
        if (!root.TryGetProperty(key, out var value))
            return fallback;
        var text = value.ToString();
        return value.ValueKind == JsonValueKind.String && allowed.Contains(text)
            ? text
            : throw Bad(key, text, string.Join(" or ", allowed!));
    }

    public void Require(string key, string only) => OneOf(key, only, only);

    public void RequireTrue(string key)
    {
        if (!Flag(key, true))
            throw Bad(key, "false", "true, the only value that is supported");
    }

    public void RequireFalse(string key)
    {
        if (Flag(key, false))
            throw Bad(key, "true", "false, the only value that is supported");
    }

    public CheckpointFormatException Bad(string key, string found, string expected) =>
        new(path, $"{key} is {CheckpointFormatException.Quote(found.Length == 0 ? "null" : found)}, expected {expected}");

    /// <summary>What the values describe together cannot be.</summary>
    public CheckpointFormatException Impossible(ArgumentException reason) => new(path, reason.Message.TrimEnd('.'), reason);

    private int? Size(string key, int most)
    {
        if (!root.TryGetProperty(key, out var value))
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0 && number <= most
            ? number
            : throw Bad(key, value.ToString(), $"a whole number from 1 to {most}");
    }
}
