using System.Text.Json;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Finds a step in <c>trace.json</c>, as <see cref="TraceWriter"/> writes it.</summary>
public static class TraceReader
{
    /// <summary>The last step of the plan's rank whose events are those of the plan.</summary>
    /// <param name="path">The trace.</param>
    /// <param name="plan">What the step must be.</param>
    /// <exception cref="ConfigurationException">The file is no trace, or has no such step.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static MeasuredStep LastStep(string path, ShardingPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (!File.Exists(path))
            throw new ConfigurationException($"the trace '{path}' does not exist; netzero train --trace writes one");
        var events = Read(path, plan.Rank);
        var names = plan.Points.Select(point => (TraceNames.Of(point.Event.Kind), plan.Schedule.Units[point.Event.Unit].Name)).ToArray();
        for (var start = events.Count - names.Length; start >= 0; start--)
        {
            var step = events.GetRange(start, names.Length);
            if (step.Select(e => (e.Name, e.Unit)).SequenceEqual(names))
                return new MeasuredStep([.. step.Select(e => (e.End - step[0].Start) / 1000)], [.. step.Select(e => e.Live)]);
        }

        throw new ConfigurationException(
            $"the trace '{path}' has no step of rank {plan.Rank} with the {names.Length} events of this plan ({events.Count} events in all); it is of another run, or was cut off");
    }

    private static List<(string Name, string Unit, double Start, double End, KindBytes Live)> Read(string path, int rank)
    {
        var found = new List<(string, string, double, double, KindBytes)>();
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            (string Name, string Unit, double Start, double End)? last = null;
            foreach (var e in json.RootElement.GetProperty("traceEvents").EnumerateArray())
            {
                if (e.GetProperty("tid").GetInt32() != rank)
                    continue;
                var (arguments, start) = (e.GetProperty("args"), e.GetProperty("ts").GetDouble());
                if (e.GetProperty("ph").ValueEquals("X"))
                {
                    last = (e.GetProperty("name").GetString()!, arguments.GetProperty("unit").GetString()!, start, start + e.GetProperty("dur").GetDouble());
                }
                else if (last is { } span)
                {
                    found.Add((span.Name, span.Unit, span.Start, span.End, Live(arguments)));
                    last = null;
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ConfigurationException($"'{path}' is not a trace of netzero train --trace: {e.Message.ReplaceLineEndings(" ")}");
        }

        return found;
    }

    private static KindBytes Live(JsonElement counter)
    {
        var bytes = new long[MemoryLedger.KindCount];
        foreach (var (kind, name) in KindBytes.Names)
            bytes[(int)kind] = counter.GetProperty(name).GetInt64();
        return new KindBytes(bytes, bytes.Sum());
    }
}
