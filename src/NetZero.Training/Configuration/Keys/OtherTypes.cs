using System.Text.Json;
using NetZero.Tensors;

namespace NetZero.Training.Keys;

/// <summary>true or false.</summary>
internal sealed class Flag : ValueType<bool>
{
    public override string Expected => "true or false";

    public override bool TryRead(JsonElement json, out bool value)
    {
        value = json.ValueKind == JsonValueKind.True;
        return json.ValueKind is JsonValueKind.True or JsonValueKind.False;
    }

    public override void Write(Utf8JsonWriter writer, bool value) => writer.WriteBooleanValue(value);

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "boolean");
}

/// <summary>A path, which is not empty and has no NUL, which no system takes.</summary>
internal sealed class PathText : ValueType<string?>
{
    public override string Expected => "text, not empty and without \\u0000";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out string? value)
    {
        value = json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        return !string.IsNullOrWhiteSpace(value) && !value.Contains('\0', StringComparison.Ordinal);
    }

    public override void Write(Utf8JsonWriter writer, string? value) => writer.WriteStringValue(value);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "string");
        writer.WriteNumber("minLength", 1);
    }
}

/// <summary>One text, such as a path or a pattern, or a list of them.</summary>
internal sealed class TextList : ValueType<IReadOnlyList<string>>
{
    private static readonly PathText Item = new();

    public override string Expected => "text or a list of texts, none empty or with \\u0000";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out IReadOnlyList<string> value)
    {
        if (Item.TryRead(json, out var single))
        {
            value = [single!];
            return true;
        }
        var paths = new List<string>();
        value = paths;
        if (json.ValueKind != JsonValueKind.Array || json.GetArrayLength() == 0)
            return false;
        foreach (var element in json.EnumerateArray())
        {
            if (!Item.TryRead(element, out var path))
                return false;
            paths.Add(path!);
        }
        return true;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value)
    {
        if (value.Count == 1)
        {
            writer.WriteStringValue(value[0]);
            return;
        }
        writer.WriteStartArray();
        foreach (var path in value)
            writer.WriteStringValue(path);
        writer.WriteEndArray();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        Item.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        Item.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteNumber("minItems", 1);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    public override bool IsUnset(IReadOnlyList<string> value) => value.Count == 0;
}

/// <summary>One of a few names; upper and lower case are the same when read.</summary>
internal sealed class Choice<V>(params (string Name, V Value)[] choices) : ValueType<V>
    where V : struct
{
    private string Names => string.Join(", ", choices.Select(choice => $"\"{choice.Name}\""));

    public override string Expected => choices.Length == 1 ? Names : $"one of {Names}";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out V value)
    {
        value = default;
        if (json.ValueKind != JsonValueKind.String)
            return false;
        foreach (var choice in choices)
        {
            if (string.Equals(json.GetString(), choice.Name, StringComparison.OrdinalIgnoreCase))
            {
                value = choice.Value;
                return true;
            }
        }
        return false;
    }

    public override void Write(Utf8JsonWriter writer, V value) =>
        writer.WriteStringValue(Array.Find(choices, choice => EqualityComparer<V>.Default.Equals(choice.Value, value)).Name);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("enum");
        foreach (var choice in choices)
            writer.WriteStringValue(choice.Name);
        writer.WriteEndArray();
    }
}

/// <summary>Bytes: a whole number, or text with a unit such as <c>512MB</c> or <c>2GiB</c>.</summary>
internal sealed class ByteCount : ValueType<long>
{
    public override string Expected => $"bytes as a whole number or as text such as \"512MB\" or \"2GiB\" (units {ByteSize.Units})";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out long value)
    {
        value = 0;
        return json.ValueKind switch
        {
            JsonValueKind.Number => json.TryGetInt64(out value) && value >= 0,
            JsonValueKind.String => ByteSize.TryParse(json.GetString()!, out value),
            _ => false,
        };
    }

    public override void Write(Utf8JsonWriter writer, long value) => writer.WriteNumberValue(value);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        writer.WriteString("type", "integer");
        writer.WriteNumber("minimum", 0);
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("type", "string");
        writer.WriteString("pattern", ByteSize.SchemaPattern);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}
