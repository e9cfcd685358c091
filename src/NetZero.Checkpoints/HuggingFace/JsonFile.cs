using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>Reads JSON objects from small files, with errors that name the file, and writes them.</summary>
internal static class JsonFile
{
    // The largest index known, of a model with 10^5 tensors, has 10 MB.
    private const long LongestBytes = 100_000_000;

    /// <summary>Reads the object in a file and gives it to <paramref name="use"/>.</summary>
    public static T Read<T>(string path, Func<JsonElement, T> use)
    {
        using var json = Parse(path);
        try
        {
            return use(json.RootElement);
        }
        catch (InvalidOperationException e)
        {
            // The JSON reader's answer to strings that are no Unicode, when they are decoded: bad UTF-8, half a surrogate pair.
            throw new CheckpointFormatException(path, "holds a string that is not valid Unicode", e);
        }
    }

    /// <summary>Writes a file of JSON that is whole at any moment, replacing one that is there: indented, its lines end alike on all systems.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Utf8JsonWriter> content)
    {
        var temporary = path + ".tmp";
        using (var stream = File.Create(temporary))
        {
            using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
                content(json);
            stream.Write("\n"u8);
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return ParseReadable(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointFormatException(path, $"cannot be read: {e.Message}", e);
        }
    }

    private static JsonDocument ParseReadable(string path)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length > LongestBytes)
            throw new CheckpointFormatException(path, $"has {stream.Length} bytes, expected at most {LongestBytes}");
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(stream, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw new CheckpointFormatException(
                path, $"is not valid JSON at line {1 + (e.LineNumber ?? 0)}, byte {1 + (e.BytePositionInLine ?? 0)}", e);
        }
        catch (InvalidOperationException e)
        {
            // Comparing names for duplicates decodes them.
            throw new CheckpointFormatException(path, "holds a name that is not valid Unicode", e);
        }
        if (json.RootElement.ValueKind == JsonValueKind.Object)
            return json;
        json.Dispose();
        throw new CheckpointFormatException(path, "is not a JSON object");
    }
}
