using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>One or several of a few names, joined into one value.</summary>
/// <param name="join">The value of two names together.</param>
/// <param name="choices">The names.</param>
internal sealed class SetOf<V>(Func<V, V, V> join, params (string Name, V Value)[] choices) : ValueType<V>
    where V : struct
{
    private readonly Choice<V> _item = new(choices);

    public override string Expected => $"{_item.Expected}, or a list of them";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out V value)
    {
        if (_item.TryRead(json, out value))
            return true;
        if (json.ValueKind != JsonValueKind.Array || json.GetArrayLength() == 0)
            return false;
        foreach (var element in json.EnumerateArray())
        {
            if (!_item.TryRead(element, out var one))
                return false;
            value = join(value, one);
        }

        return true;
    }

    public override void Write(Utf8JsonWriter writer, V value)
    {
        writer.WriteStartArray();
        foreach (var choice in choices)
            if (EqualityComparer<V>.Default.Equals(join(value, choice.Value), value))
                writer.WriteStringValue(choice.Name);
        writer.WriteEndArray();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        _item.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        _item.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteNumber("minItems", 1);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}
