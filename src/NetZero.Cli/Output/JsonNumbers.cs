using System.Text.Json;

namespace NetZero.Cli;

/// <summary>Numbers in the tool's JSON: left out where there is none, as text where they are no number that JSON knows.</summary>
internal static class JsonNumbers
{
    public static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is not { } number)
            return;
        if (double.IsFinite(number))
            json.WriteNumber(name, number);
        else
            json.WriteString(name, double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    }
}
