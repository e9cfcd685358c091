using System.Text.Json;
using NetZero.Collectives;

namespace NetZero.Cli;

/// <summary>A timing as a line of JSON: what ranks tell the process that has started them, and what scripts read.</summary>
internal static class CollectiveTimingJson
{
    public static void WriteLine(TextWriter output, CollectiveTiming timing, string? transport = null)
    {
        JsonLine.Write(output, json =>
        {
            if (transport is not null)
                json.WriteString("transport", transport);
            json.WriteString("operation", timing.Operation.ToString());
            json.WriteNumber("ranks", timing.Ranks);
            json.WriteNumber("bytes", timing.Bytes);
            json.WriteNumber("seconds", timing.Seconds);
            json.WriteNumber("fastest_seconds", timing.FastestSeconds);
            json.WriteNumber("repetitions", timing.Repetitions);
            JsonLine.Number(json, "algorithm_gb_per_second", timing.AlgorithmBandwidth);
        });
        output.Flush();
    }

    /// <summary>Reads a line back; null when it is none, such as a remark of <c>mpirun</c>.</summary>
    public static CollectiveTiming? TryRead(string line)
    {
        // A terminal's control codes may stand in front, where mpirun gives its processes one.
        var start = line.IndexOf("{\"operation\"", StringComparison.Ordinal);
        if (start < 0)
            return null;
        using var json = JsonDocument.Parse(line[start..].TrimEnd());
        var root = json.RootElement;
        return new CollectiveTiming(
            Enum.Parse<CollectiveOperation>(root.GetProperty("operation").GetString()!), root.GetProperty("ranks").GetInt32(), root.GetProperty("bytes").GetInt64(),
            root.GetProperty("seconds").GetDouble(), root.GetProperty("fastest_seconds").GetDouble(), root.GetProperty("repetitions").GetInt32());
    }
}
