using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>The keys of one JSON object. Reading, overriding, writing and the schema all follow this list.</summary>
internal sealed class Section<T>(params Key<T>[] keys)
{
    /// <summary>Paths of all keys at and below this section.</summary>
    public IEnumerable<string> Paths(string path) => keys.SelectMany(key => key.Paths(Reading.Join(path, key.Name)));

    public T Read(T target, JsonElement json, string path, Reading reading)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            reading.WrongType(path, json, "an object");
            return target;
        }
        foreach (var property in json.EnumerateObject())
        {
            if (Find(property.Name) is { } key)
                target = key.Read(target, property.Value, Reading.Join(path, key.Name), reading);
            else if (path.Length > 0 || property.Name != ConfigurationSchema.Reference)
                reading.UnknownKey(path, property.Name);
        }
        return target;
    }

    public T Set(T target, ReadOnlySpan<string> names, string text, string path, Reading reading)
    {
        if (Find(names[0]) is { } key)
            return key.Set(target, names[1..], text, Reading.Join(path, key.Name), reading);
        reading.UnknownKey(path, string.Join('.', names));
        return target;
    }

    public void Check(T target, string path, Reading reading)
    {
        foreach (var key in keys)
            key.Check(target, Reading.Join(path, key.Name), reading);
    }

    public void Write(T source, Utf8JsonWriter writer)
    {
        foreach (var key in keys)
            key.Write(source, writer);
    }

    /// <summary>Writes the keywords of an object's schema; the caller opens and closes it and adds its own.</summary>
    public void WriteSchema(T defaults, Utf8JsonWriter writer, Action<Utf8JsonWriter>? moreProperties = null)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        moreProperties?.Invoke(writer);
        foreach (var key in keys)
        {
            writer.WriteStartObject(key.Name);
            key.WriteSchema(defaults, writer);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private Key<T>? Find(string name) => Array.Find(keys, key => key.Name == name);
}
