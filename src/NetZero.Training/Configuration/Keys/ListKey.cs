using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>A key that holds a list of sections.</summary>
internal sealed class ListKey<T, S>(
    string name, Section<S> section, S empty, Func<T, IReadOnlyList<S>> get, Func<T, IReadOnlyList<S>, T> set, string description) : Key<T>(name, description)
{
    public override IEnumerable<string> Paths(string path) => section.Paths(path).Prepend(path);

    public override T Read(T target, JsonElement value, string path, Reading reading)
    {
        reading.Given.Add(path);
        if (value.ValueKind != JsonValueKind.Array)
        {
            reading.WrongType(path, value, "a list of objects");
            return target;
        }

        return set(target, [.. value.EnumerateArray().Select((item, i) => section.Read(empty, item, $"{path}[{i}]", reading))]);
    }

    public override T Set(T target, ReadOnlySpan<string> rest, string text, string path, Reading reading)
    {
        if (rest.Length > 0)
        {
            reading.Problems.Add($"'{path}' holds a list; give the whole of it, such as --set '{path}=[...]'");
            return target;
        }

        using var json = OverrideValue.Parse(text);
        return Read(target, json.RootElement, path, reading);
    }

    public override void Check(T target, string path, Reading reading)
    {
        var items = get(target);
        for (var i = 0; i < items.Count; i++)
            section.Check(items[i], $"{path}[{i}]", reading);
    }

    public override void Write(T source, Utf8JsonWriter writer)
    {
        if (get(source).Count == 0)
            return;
        writer.WriteStartArray(Name);
        foreach (var item in get(source))
        {
            writer.WriteStartObject();
            section.Write(item, writer);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public override void WriteSchema(T defaults, Utf8JsonWriter writer)
    {
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        section.WriteSchema(empty, writer);
        writer.WriteEndObject();
        writer.WriteString("description", Description);
    }
}
