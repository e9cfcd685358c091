using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>How values of one type stand in JSON: read, written, described in the schema, from one place.</summary>
internal abstract class ValueType<V>
{
    /// <summary>What a message says was expected.</summary>
    public abstract string Expected { get; }

    /// <summary>The same where a value was found that cannot be read, for types that know better what is wrong with it.</summary>
    public virtual string ExpectedInsteadOf(JsonElement json) => Expected;

    /// <summary>Whether text after <c>--set key=</c> is taken as it stands where it is no JSON of this type.</summary>
    public virtual bool TakesText => false;

    /// <summary>Reads a value; false when it is of another type or out of range.</summary>
    public abstract bool TryRead(JsonElement json, out V value);

    public abstract void Write(Utf8JsonWriter writer, V value);

    /// <summary>Writes the schema's keywords for this type.</summary>
    public abstract void WriteSchema(Utf8JsonWriter writer);

    /// <summary>Whether the value stands for "not given", which is not written.</summary>
    public virtual bool IsUnset(V value) => value is null;
}
