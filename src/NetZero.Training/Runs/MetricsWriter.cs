using System.Text.Json;

namespace NetZero.Training;

/// <summary>Appends steps to <c>metrics.jsonl</c>. Each line is in the file when <see cref="Write"/> returns, whatever happens to the run.</summary>
public sealed class MetricsWriter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly Utf8JsonWriter _json;

    /// <summary>Starts a new file, or goes on with one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepBytes">How many bytes of it stay; 0 starts anew.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public MetricsWriter(string path, long keepBytes = 0)
    {
        _file = new FileStream(path, keepBytes > 0 ? FileMode.Open : FileMode.Create, FileAccess.Write, FileShare.Read);
        _file.SetLength(keepBytes);
        _file.Position = keepBytes;
        _json = new Utf8JsonWriter(_file);
    }

    /// <summary>Writes one line.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void Write(StepMetrics metrics)
    {
        // A cancelled run may close the file while a rank that it has given up is here: the line is then written whole, or not at all.
        lock (_gate)
        {
            metrics.Write(_json);
            _json.Flush();
            _json.Reset();
            _file.Write("\n"u8);
            _file.Flush();
        }
    }

    /// <summary>Makes what was written so far durable.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void FlushToDisk()
    {
        lock (_gate)
            _file.Flush(flushToDisk: true);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _json.Dispose();
            _file.Dispose();
        }
    }
}
