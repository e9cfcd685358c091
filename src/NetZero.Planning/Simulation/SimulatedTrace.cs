using System.Text.Json;

namespace NetZero.Planning;

/// <summary>Writes a simulated step in Chrome's trace event format, a lane for compute and for each level of communication, with the names of a measured trace.</summary>
public static class SimulatedTrace
{
    private const double MicrosecondsPerSecond = 1e6;

    /// <summary>Writes the events.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="timeline">Tasks and times.</param>
    public static void Write(Stream output, IReadOnlyList<TimedTask> timeline)
    {
        ArgumentNullException.ThrowIfNull(timeline);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteStartArray("traceEvents");
        foreach (var lane in Enum.GetValues<Lane>())
        {
            json.WriteStartObject();
            json.WriteString("name", "thread_name");
            json.WriteString("ph", "M");
            json.WriteNumber("pid", 0);
            json.WriteNumber("tid", (int)lane);
            json.WriteStartObject("args");
            json.WriteString("name", lane.ToString());
            json.WriteEndObject();
            json.WriteEndObject();
        }

        foreach (var (task, start, end) in timeline)
        {
            json.WriteStartObject();
            json.WriteString("name", task.Name);
            json.WriteString("ph", "X");
            json.WriteNumber("pid", 0);
            json.WriteNumber("tid", (int)task.Lane);
            json.WriteNumber("ts", start * MicrosecondsPerSecond);
            json.WriteNumber("dur", (end - start) * MicrosecondsPerSecond);
            json.WriteStartObject("args");
            json.WriteString("unit", task.Unit);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteEndObject();
    }
}
