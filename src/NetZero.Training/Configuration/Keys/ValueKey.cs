using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>A key with a single value.</summary>
internal sealed class ValueKey<T, V>(string name, ValueType<V> type, Func<T, V> get, Func<T, V, T> set, string description)
    : Key<T>(name, description)
{
    /// <summary>Where the key means something: a test of the record, and the same in words. Elsewhere it is refused.</summary>
    public (Func<T, bool> Applies, string Where)? Only { get; init; }

    public override IEnumerable<string> Paths(string path) => [path];

    public override T Read(T target, JsonElement value, string path, Reading reading)
    {
        reading.Given.Add(path);
        if (type.TryRead(value, out var read))
            return set(target, read);
        reading.WrongType(path, value, type.ExpectedInsteadOf(value));
        return target;
    }

    public override T Set(T target, ReadOnlySpan<string> rest, string text, string path, Reading reading)
    {
        if (rest.Length > 0)
        {
            reading.Problems.Add($"'{path}' holds a value, not keys; there is no '{Reading.Join(path, string.Join('.', rest))}'");
            return target;
        }
        using var json = OverrideValue.Parse(text);
        // Text in JSON's quotes is what was meant, right or wrong, and so are lists and objects; only what is neither, such as a folder named 7, may stand for itself.
        if (!type.TakesText || json.RootElement.ValueKind is JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object
            || type.TryRead(json.RootElement, out _))
            return Read(target, json.RootElement, path, reading);
        using var asText = OverrideValue.Text(text);
        return Read(target, asText.RootElement, path, reading);
    }

    public override void Check(T target, string path, Reading reading)
    {
        if (Only is { } only && reading.Given.Contains(path) && !only.Applies(target))
            reading.Problems.Add($"'{path}' would have no effect: it belongs to {only.Where}; remove it");
    }

    public override void Write(T source, Utf8JsonWriter writer)
    {
        var value = get(source);
        if (type.IsUnset(value) || Only is { } only && !only.Applies(source))
            return;
        writer.WritePropertyName(Name);
        type.Write(writer, value);
    }

    public override void WriteSchema(T defaults, Utf8JsonWriter writer)
    {
        type.WriteSchema(writer);
        writer.WriteString("description", Description);
        var value = get(defaults);
        if (type.IsUnset(value))
            return;
        writer.WritePropertyName("default");
        type.Write(writer, value);
    }
}
