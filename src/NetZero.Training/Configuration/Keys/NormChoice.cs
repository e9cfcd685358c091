using System.Text.Json;
using NetZero.Sharding;

namespace NetZero.Training.Keys;

/// <summary>A norm: 1, 2 or <c>"inf"</c>.</summary>
internal sealed class NormChoice : ValueType<NormKind>
{
    private const string Infinity = "inf";

    public override string Expected => $"1, 2 or \"{Infinity}\"";

    public override bool TakesText => true;

    public override bool TryRead(JsonElement json, out NormKind value)
    {
        value = NormKind.Infinity;
        if (json.ValueKind == JsonValueKind.String)
            return string.Equals(json.GetString(), Infinity, StringComparison.OrdinalIgnoreCase);
        if (json.ValueKind != JsonValueKind.Number || !json.TryGetInt32(out var number) || number is not (1 or 2))
            return false;
        value = number == 1 ? NormKind.One : NormKind.Two;
        return true;
    }

    public override void Write(Utf8JsonWriter writer, NormKind value)
    {
        if (value == NormKind.Infinity)
            writer.WriteStringValue(Infinity);
        else
            writer.WriteNumberValue(value == NormKind.One ? 1 : 2);
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("enum");
        writer.WriteNumberValue(1);
        writer.WriteNumberValue(2);
        writer.WriteStringValue(Infinity);
        writer.WriteEndArray();
    }
}
