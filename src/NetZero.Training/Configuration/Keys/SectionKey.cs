using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>A key that holds a section. Its keys fill a record of their own, or share that of the section around it.</summary>
internal sealed class SectionKey<T, S>(string name, Section<S> section, Func<T, S> get, Func<T, S, T> set, string description)
    : Key<T>(name, description)
{
    public override IEnumerable<string> Paths(string path) => section.Paths(path).Prepend(path);

    public override T Read(T target, JsonElement value, string path, Reading reading) =>
        set(target, section.Read(get(target), value, path, reading));

    public override T Set(T target, ReadOnlySpan<string> rest, string text, string path, Reading reading)
    {
        if (rest.Length > 0)
            return set(target, section.Set(get(target), rest, text, path, reading));
        using var json = OverrideValue.Parse(text);
        return Read(target, json.RootElement, path, reading);
    }

    public override void Check(T target, string path, Reading reading) => section.Check(get(target), path, reading);

    public override void Write(T source, Utf8JsonWriter writer)
    {
        writer.WriteStartObject(Name);
        section.Write(get(source), writer);
        writer.WriteEndObject();
    }

    public override void WriteSchema(T defaults, Utf8JsonWriter writer)
    {
        section.WriteSchema(get(defaults), writer);
        writer.WriteString("description", Description);
    }
}
