using System.Text;
using System.Text.Json;

namespace NetZero.Cli;

/// <summary>The tool's JSON: one object on one line.</summary>
internal static class JsonLine
{
    public static void Write(TextWriter output, Action<Utf8JsonWriter> properties) => WriteValue(output, json =>
    {
        json.WriteStartObject();
        properties(json);
        json.WriteEndObject();
    });

    /// <summary>As <see cref="Write"/>, where whoever writes also opens and closes the object.</summary>
    public static void WriteValue(TextWriter output, Action<Utf8JsonWriter> value)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            value(json);
        output.WriteLine(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    /// <summary>A number: left out where there is none, as text where it is no number that JSON knows.</summary>
    public static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is not { } number)
            return;
        if (double.IsFinite(number))
            json.WriteNumber(name, number);
        else
            json.WriteString(name, double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    }
}
