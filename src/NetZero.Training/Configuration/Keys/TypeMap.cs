using System.Text.Json;
using NetZero.Sharding;

namespace NetZero.Training.Keys;

/// <summary>Types of single parameters: an object of patterns of their names, each with a type.</summary>
internal sealed class TypeMap : ValueType<IReadOnlyList<PrecisionOverride>>
{
    public override string Expected => $"an object such as {{\"**.ln_*.*\": \"fp32\"}}: patterns of parameters, each with {PrecisionKeys.Types.Expected}";

    public override bool TryRead(JsonElement json, out IReadOnlyList<PrecisionOverride> value)
    {
        var overrides = new List<PrecisionOverride>();
        value = overrides;
        if (json.ValueKind != JsonValueKind.Object)
            return false;
        foreach (var pattern in json.EnumerateObject())
        {
            if (pattern.Name.Length == 0 || !PrecisionKeys.Types.TryRead(pattern.Value, out var dtype))
                return false;
            overrides.Add(new PrecisionOverride(pattern.Name) { ParameterDType = dtype });
        }

        return overrides.Count > 0;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<PrecisionOverride> value)
    {
        writer.WriteStartObject();
        foreach (var other in value)
        {
            writer.WritePropertyName(other.Parameters);
            PrecisionKeys.Types.Write(writer, other.ParameterDType!.Value);
        }

        writer.WriteEndObject();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("additionalProperties");
        PrecisionKeys.Types.WriteSchema(writer);
        writer.WriteEndObject();
    }

    public override bool IsUnset(IReadOnlyList<PrecisionOverride> value) => value.Count == 0;
}
