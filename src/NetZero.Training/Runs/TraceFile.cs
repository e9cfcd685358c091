using System.Text.Json;

namespace NetZero.Training;

/// <summary>A span of a trace, planned or measured.</summary>
/// <param name="Name">The event.</param>
/// <param name="Unit">The unit.</param>
/// <param name="Lane">The thread that it stands on: a lane of a plan, a rank of a run.</param>
/// <param name="Start">Microseconds.</param>
/// <param name="End">Microseconds.</param>
internal readonly record struct TraceSpan(string Name, string Unit, int Lane, double Start, double End)
{
    /// <summary>What the span takes without those inside it.</summary>
    public double Exclusive { get; init; } = End - Start;
}

/// <summary>Reads the spans of traces in Chrome's format, as <c>netzero train --trace</c> and <c>netzero plan --trace</c> write them.</summary>
internal static class TraceFile
{
    /// <summary>The spans in the order of their beginnings, each without what lies inside it.</summary>
    /// <exception cref="ConfigurationException">The file does not exist, or is no such trace.</exception>
    public static IReadOnlyList<TraceSpan> Read(string path)
    {
        if (!File.Exists(path))
            throw new ConfigurationException($"the trace '{path}' does not exist; netzero train --trace and netzero plan --trace FILE write one");
        var spans = new List<TraceSpan>();
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var e in json.RootElement.GetProperty("traceEvents").EnumerateArray())
            {
                if (!e.GetProperty("ph").ValueEquals("X"))
                    continue;
                var start = e.GetProperty("ts").GetDouble();
                spans.Add(new TraceSpan(
                    e.GetProperty("name").GetString()!, e.GetProperty("args").GetProperty("unit").GetString()!, e.GetProperty("tid").GetInt32(), start,
                    start + e.GetProperty("dur").GetDouble()));
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ConfigurationException($"'{path}' is no trace of netzero: {e.Message.ReplaceLineEndings(" ")}");
        }

        if (spans.Count == 0)
            throw new ConfigurationException($"the trace '{path}' has no events");
        return [.. spans.GroupBy(span => span.Lane).OrderBy(lane => lane.Key).SelectMany(Exclusive)];
    }

    private static TraceSpan[] Exclusive(IEnumerable<TraceSpan> lane)
    {
        var spans = lane.OrderBy(span => span.Start).ThenByDescending(span => span.End).ToArray();
        var open = new Stack<int>();
        for (var i = 0; i < spans.Length; i++)
        {
            while (open.TryPeek(out var last) && spans[last].End <= spans[i].Start)
                open.Pop();
            if (open.TryPeek(out var outer))
                spans[outer] = spans[outer] with { Exclusive = spans[outer].Exclusive - (Math.Min(spans[i].End, spans[outer].End) - spans[i].Start) };
            open.Push(i);
        }

        return spans;
    }
}
