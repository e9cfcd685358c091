using System.Text.Json;

namespace NetZero.Training;

/// <summary>Appends steps to <c>metrics.jsonl</c>. Each line is in the file when <see cref="Write"/> returns, whatever happens to the run.</summary>
public sealed class MetricsWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly Utf8JsonWriter _json;

    /// <summary>Starts a new file.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public MetricsWriter(string path)
    {
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        _json = new Utf8JsonWriter(_file);
    }

    /// <summary>Writes one line.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(StepMetrics metrics)
    {
        metrics.Write(_json);
        _json.Flush();
        _json.Reset();
        _file.Write("\n"u8);
        _file.Flush();
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }
}
