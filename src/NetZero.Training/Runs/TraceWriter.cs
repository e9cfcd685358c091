using System.Text.Json;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>One event of a traced run.</summary>
/// <param name="Rank">The rank it ran on.</param>
/// <param name="Name">
/// The schedule's event: <c>AllGather</c>, <c>Release</c>, <c>ReduceScatter</c>, ...; <c>Forward</c> and <c>Backward</c> span a unit's pass, and the <c>Wait</c> at
/// their beginning lasts until the unit's parameters are there.
/// </param>
/// <param name="Unit">The unit it belongs to.</param>
/// <param name="Bytes">Bytes that it moves or frees; 0 for computation.</param>
/// <param name="StartMicroseconds">When it began, from the run's start.</param>
/// <param name="DurationMicroseconds">How long it took.</param>
/// <param name="Live">What lived on the rank after it, by kind.</param>
public readonly record struct TraceEvent(
    int Rank, string Name, string Unit, long Bytes, double StartMicroseconds, double DurationMicroseconds, KindBytes Live);

/// <summary>
/// Writes <c>trace.json</c> in Chrome's trace event format ("Trace Event Format", complete events of phase X), which chrome://tracing and
/// Perfetto open. Ranks are threads of one process. After each event of a rank comes a counter (phase C) with the bytes that live on it by
/// kind. Safe for several threads.
/// </summary>
public sealed class TraceWriter : IDisposable
{
    // Enough that events reach the file in large pieces, little enough not to show in memory.
    private const int FlushBytes = 1 << 16;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly Utf8JsonWriter _json;

    /// <summary>Starts a new file.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public TraceWriter(string path)
    {
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        _json = new Utf8JsonWriter(_file);
        _json.WriteStartObject();
        _json.WriteStartArray("traceEvents");
    }

    /// <summary>Adds events of any rank.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(params ReadOnlySpan<TraceEvent> events)
    {
        lock (_gate)
        {
            foreach (var e in events)
                Write(e);
        }
    }

    /// <summary>Ends the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_file.CanWrite)
                return;
            _json.WriteEndArray();
            _json.WriteString("displayTimeUnit", "ms");
            _json.WriteEndObject();
            _json.Dispose();
            _file.Dispose();
        }
    }

    private void Write(in TraceEvent e)
    {
        _json.WriteStartObject();
        _json.WriteString("name", e.Name);
        _json.WriteString("ph", "X");
        _json.WriteNumber("ts", e.StartMicroseconds);
        _json.WriteNumber("dur", e.DurationMicroseconds);
        _json.WriteNumber("pid", 0);
        _json.WriteNumber("tid", e.Rank);
        _json.WriteStartObject("args");
        _json.WriteString("unit", e.Unit);
        _json.WriteNumber("bytes", e.Bytes);
        _json.WriteEndObject();
        _json.WriteEndObject();
        WriteLive(e);
        if (_json.BytesPending > FlushBytes)
            _json.Flush();
    }

    // Counters belong to processes, so the rank is part of the name.
    private void WriteLive(in TraceEvent e)
    {
        _json.WriteStartObject();
        _json.WriteString("name", $"memory of rank {e.Rank}");
        _json.WriteString("ph", "C");
        _json.WriteNumber("ts", e.StartMicroseconds + e.DurationMicroseconds);
        _json.WriteNumber("pid", 0);
        _json.WriteNumber("tid", e.Rank);
        _json.WriteStartObject("args");
        foreach (var (kind, name) in KindBytes.Names)
            _json.WriteNumber(name, e.Live[kind]);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }
}
