using System.Buffers;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace NetZero.Training;

/// <summary>Appends steps to <c>metrics.jsonl</c>. Each line is in the file when <see cref="Write"/> returns, whatever happens to the run.</summary>
/// <remarks>
/// Note: a disk that is full. Lines that could not be written wait in memory and are written, in their order, with the next that can be: a
/// disk that has room again lacks none, and at any time the file ends with a whole line or the beginning of one that comes again.
/// </remarks>
public sealed class MetricsWriter : IDisposable
{
    // Tens of thousands of steps; a run whose disk stays full for longer loses the lines that come then.
    private const int MostWaitingBytes = 16 << 20;

    private readonly Lock _gate = new();
    private readonly SafeFileHandle _file;
    private readonly ArrayBufferWriter<byte> _waiting = new();
    private readonly Utf8JsonWriter _json;
    private long _end;

    /// <summary>Starts a new file, or goes on with one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepBytes">How many bytes of it stay; 0 starts anew.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public MetricsWriter(string path, long keepBytes = 0)
    {
        _file = File.OpenHandle(path, keepBytes > 0 ? FileMode.Open : FileMode.Create, FileAccess.Write, FileShare.Read);
        RandomAccess.SetLength(_file, keepBytes);
        _end = keepBytes;
        _json = new Utf8JsonWriter(_waiting);
    }

    /// <summary>Writes one line, and those that wait before it.</summary>
    /// <exception cref="IOException">The file cannot be written. The line waits for the next.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void Write(StepMetrics metrics)
    {
        // A cancelled run may close the file while a rank that it has given up is here: the line is then written whole, or not at all.
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_file.IsClosed, this);
            if (_waiting.WrittenCount < MostWaitingBytes)
            {
                metrics.Write(_json);
                _json.Flush();
                _json.Reset();
                _waiting.Write("\n"u8);
            }

            WriteWaiting();
        }
    }

    /// <summary>Makes what was written so far durable.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void FlushToDisk()
    {
        lock (_gate)
        {
            WriteWaiting();
            RandomAccess.FlushToDisk(_file);
        }
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

    private void WriteWaiting()
    {
        if (_waiting.WrittenCount == 0)
            return;
        RandomAccess.Write(_file, _waiting.WrittenSpan, _end);
        _end += _waiting.WrittenCount;
        _waiting.ResetWrittenCount();
    }
}
