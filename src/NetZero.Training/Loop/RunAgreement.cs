using System.Buffers;
using System.Text;
using System.Text.Json;

namespace NetZero.Training;

/// <summary>What ranks that are processes compare before they begin: every key of the configuration that changes what is computed.</summary>
internal static class RunAgreement
{
    // Where and how often something is written is rank 0's business.
    private static readonly string[] OwnBusiness = ["output_dir", "log_every"];

    public static KeyValuePair<string, string>[] Of(RunConfiguration run)
    {
        using var json = JsonDocument.Parse(run.ToJson());
        return Of(json.RootElement);
    }

    /// <summary>The same of a configuration that was saved.</summary>
    public static KeyValuePair<string, string>[] Of(JsonElement configuration)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        Flatten(configuration, "", pairs);
        return [.. pairs];
    }

    /// <summary>What the ranks go on from: all must see the same checkpoints.</summary>
    public static KeyValuePair<string, string> Of(ResumePlan? resume) =>
        new("checkpoints", resume is null ? "not asked for" : string.Join(", ", resume.Candidates.Select(c => RunStores.IsIn(c.Path) ? c.Path : c.Name).DefaultIfEmpty("none")));

    private static void Flatten(JsonElement element, string path, List<KeyValuePair<string, string>> pairs)
    {
        foreach (var property in element.EnumerateObject())
        {
            var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (property.Value.ValueKind == JsonValueKind.Object)
                Flatten(property.Value, name, pairs);
            else if (Array.IndexOf(OwnBusiness, name) < 0)
                pairs.Add(new($"'{name}'", Compact(property.Value)));
        }
    }

    // Line breaks of the file that it was read from are no difference.
    private static string Compact(JsonElement value)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
            value.WriteTo(writer);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
