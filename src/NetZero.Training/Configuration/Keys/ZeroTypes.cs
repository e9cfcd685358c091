using System.Text.Json;
using NetZero.Sharding;

namespace NetZero.Training.Keys;

/// <summary>A ZeRO stage, as a number or by the name of a preset.</summary>
internal sealed class StageOrPreset : ValueType<int>
{
    private static readonly WholeNumber<int> Number = new(0, 3);

    private static readonly Choice<int> Name = new([.. ShardingPolicy.Presets.Select(preset => (preset.Name, preset.Policy.Stage))]);

    public override string Expected => $"{Number.Expected}, or {Name.Expected}";

    public override bool TryRead(JsonElement json, out int value) => Number.TryRead(json, out value) || Name.TryRead(json, out value);

    public override void Write(Utf8JsonWriter writer, int value) => Number.Write(writer, value);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        Number.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteStartObject();
        Name.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}

/// <summary>true, false, or the ranks of a small group.</summary>
internal sealed class ReshardChoice : ValueType<ReshardAfterForward>
{
    private static readonly WholeNumber<int> Ranks = new(2);

    public override string Expected => "true, false or a number of ranks, at least 2";

    public override bool TryRead(JsonElement json, out ReshardAfterForward value)
    {
        value = json.ValueKind == JsonValueKind.False ? ReshardAfterForward.No : ReshardAfterForward.Yes;
        if (json.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return true;
        if (!Ranks.TryRead(json, out var ranks))
            return false;
        value = ReshardAfterForward.Within(ranks);
        return true;
    }

    public override void Write(Utf8JsonWriter writer, ReshardAfterForward value)
    {
        if (value.GroupSize > 0)
            writer.WriteNumberValue(value.GroupSize);
        else
            writer.WriteBooleanValue(!value.Keeps);
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        writer.WriteString("type", "boolean");
        writer.WriteEndObject();
        writer.WriteStartObject();
        Ranks.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}

/// <summary>What units do otherwise: an object of patterns, each with a stage, reshard_after_forward or both.</summary>
internal sealed class OverrideMap : ValueType<IReadOnlyList<UnitOverride>>
{
    private const string StageKey = "stage";
    private const string ReshardKey = "reshard_after_forward";
    private static readonly StageOrPreset Stage = new();
    private static readonly ReshardChoice Reshard = new();

    public override string Expected =>
        $"an object such as {{\"h.0\": {{\"{ReshardKey}\": false}}}}: unit patterns, each with '{StageKey}' ({Stage.Expected}), '{ReshardKey}' ({Reshard.Expected}) or both";

    public override bool TryRead(JsonElement json, out IReadOnlyList<UnitOverride> value)
    {
        var overrides = new List<UnitOverride>();
        value = overrides;
        if (json.ValueKind != JsonValueKind.Object)
            return false;
        foreach (var unit in json.EnumerateObject())
        {
            if (unit.Name.Length == 0 || !TryRead(unit, out var other))
                return false;
            overrides.Add(other);
        }

        return overrides.Count > 0;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<UnitOverride> value)
    {
        writer.WriteStartObject();
        foreach (var other in value)
        {
            writer.WriteStartObject(other.Units);
            if (other.Stage is { } stage)
                writer.WriteNumber(StageKey, stage);
            if (other.ReshardAfterForward is { } reshard)
            {
                writer.WritePropertyName(ReshardKey);
                Reshard.Write(writer, reshard);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("additionalProperties");
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteNumber("minProperties", 1);
        writer.WriteStartObject("properties");
        writer.WriteStartObject(StageKey);
        Stage.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteStartObject(ReshardKey);
        Reshard.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    public override bool IsUnset(IReadOnlyList<UnitOverride> value) => value.Count == 0;

    private static bool TryRead(JsonProperty unit, out UnitOverride other)
    {
        other = new UnitOverride(unit.Name);
        if (unit.Value.ValueKind != JsonValueKind.Object)
            return false;
        foreach (var setting in unit.Value.EnumerateObject())
        {
            if (setting.Name == StageKey && Stage.TryRead(setting.Value, out var stage))
                other = other with { Stage = stage };
            else if (setting.Name == ReshardKey && Reshard.TryRead(setting.Value, out var reshard))
                other = other with { ReshardAfterForward = reshard };
            else
                return false;
        }

        return other is not { Stage: null, ReshardAfterForward: null };
    }
}
