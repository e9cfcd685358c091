using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>What reading one configuration found so far: which keys were given, and what is wrong with them.</summary>
internal sealed class Reading(IReadOnlyList<string> knownPaths)
{
    private const int LongestQuote = 60;

    /// <summary>Mistakes, a line each.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Full paths of the keys that the file or an override gave.</summary>
    public HashSet<string> Given { get; } = new(StringComparer.Ordinal);

    public static string Join(string section, string name) => section.Length == 0 ? name : $"{section}.{name}";

    public void UnknownKey(string section, string name) =>
        Problems.Add($"unknown key '{Shorten(Join(section, name))}'; the nearest known key is '{NearestName.Find(section, name, knownPaths)}'");

    public void WrongType(string path, JsonElement found, string expected) =>
        Problems.Add($"'{path}' is {Describe(found)}; expected {expected}");

    private static string Describe(JsonElement found) => found.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"the list {Shorten(found.GetRawText())}",
        JsonValueKind.String => $"the text {Shorten(found.GetRawText())}",
        JsonValueKind.Number => $"the number {Shorten(found.GetRawText())}",
        _ => found.GetRawText(),
    };

    private static string Shorten(string text) => text.Length <= LongestQuote ? text : text[..LongestQuote] + "...";
}
