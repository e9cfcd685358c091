using System.Text.Json;
using NetZero.Sharding;

namespace NetZero.Cli;

/// <summary>A plan as one JSON object on one line; bytes are exact.</summary>
internal static class PlanJson
{
    /// <summary>Writes a plan with its events.</summary>
    public static void Write(TextWriter output, ShardingPlan plan) => JsonLine.Write(output, json =>
    {
        WritePlan(json, plan);
        json.WriteStartArray("events");
        foreach (var point in plan.Points)
            Write(json, plan, point);
        json.WriteEndArray();
    });

    /// <summary>Writes the plan's properties into an object that is open.</summary>
    public static void WritePlan(Utf8JsonWriter json, ShardingPlan plan)
    {
        json.WriteNumber("rank", plan.Rank);
        json.WriteNumber("world_size", plan.Ranks);
        json.WriteNumber("stage", plan.Policy.Stage);
        json.WriteNumber("micro_batches", plan.Schedule.MicroBatches);
        json.WriteNumber("bytes_sent", plan.WireBytes);
        json.WriteStartArray("units");
        foreach (var unit in plan.Schedule.Units)
            Write(json, unit);
        json.WriteEndArray();
        plan.Before.WriteTo(json, "rest_bytes");
        plan.Peak.WriteTo(json, "peak_bytes");
        plan.Highest.WriteTo(json, "at_peak_bytes");
    }

    private static void Write(Utf8JsonWriter json, UnitLayout unit)
    {
        json.WriteStartObject();
        json.WriteString("name", unit.Name);
        json.WriteNumber("elements", unit.Elements);
        json.WriteNumber("padded_elements", unit.PaddedElements);
        json.WriteNumber("shard_elements", unit.ShardElements);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ShardingPlan plan, MemoryPoint point)
    {
        json.WriteStartObject();
        json.WriteNumber("micro_batch", point.Event.MicroBatch);
        json.WriteString("event", point.Event.Kind.ToString());
        json.WriteString("unit", plan.Schedule.Units[point.Event.Unit].Name);
        point.Live.WriteTo(json, "live_bytes");
        point.Highest.WriteTo(json, "highest_bytes");
        json.WriteEndObject();
    }
}
