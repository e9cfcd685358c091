using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>One key of a section whose values end up in a record <typeparamref name="T"/>.</summary>
internal abstract class Key<T>(string name, string description)
{
    public string Name { get; } = name;

    public string Description { get; } = description;

    /// <summary>The key's own path and those of all keys below it.</summary>
    public abstract IEnumerable<string> Paths(string path);

    /// <summary>Takes a value from the file.</summary>
    public abstract T Read(T target, JsonElement value, string path, Reading reading);

    /// <summary>Takes an override: <paramref name="rest"/> are the names below this key.</summary>
    public abstract T Set(T target, ReadOnlySpan<string> rest, string text, string path, Reading reading);

    /// <summary>Reports keys that were given and would be ignored.</summary>
    public abstract void Check(T target, string path, Reading reading);

    /// <summary>Writes name and value, or nothing where there is none.</summary>
    public abstract void Write(T source, Utf8JsonWriter writer);

    /// <summary>Writes the keywords of the schema.</summary>
    public abstract void WriteSchema(T defaults, Utf8JsonWriter writer);
}
