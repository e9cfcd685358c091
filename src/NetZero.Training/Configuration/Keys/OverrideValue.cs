using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>The value of <c>--set key=value</c>: JSON where it is JSON, otherwise text, so that nobody has to quote quotes in a shell.</summary>
internal static class OverrideValue
{
    public static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, ConfigurationReader.Json);
        }
        catch (JsonException)
        {
            return Text(text);
        }
    }

    public static JsonDocument Text(string text) => JsonDocument.Parse($"\"{JsonEncodedText.Encode(text)}\"");
}
