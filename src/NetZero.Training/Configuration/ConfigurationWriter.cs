using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NetZero.Training;

/// <summary>Writes a configuration with all its keys, so that a run can be repeated whatever the defaults become.</summary>
internal static class ConfigurationWriter
{
    // The files are read by people and never embedded in HTML, so quotes and non-ASCII letters stand as they are.
    private static readonly JsonWriterOptions Options =
        new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(RunConfiguration configuration) =>
        WriteObject(writer => ConfigurationKeys.Root.Write(configuration, writer));

    /// <summary>One indented JSON object and a final line break.</summary>
    public static byte[] WriteObject(Action<Utf8JsonWriter> properties)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, Options))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }
        bytes.Write("\n"u8);
        return bytes.WrittenSpan.ToArray();
    }
}
