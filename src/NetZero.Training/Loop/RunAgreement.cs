using System.Text.Json;

namespace NetZero.Training;

/// <summary>What ranks that are processes compare before they begin: every key of the configuration that changes what is computed.</summary>
internal static class RunAgreement
{
    // Where and how often something is written is rank 0's business.
    private static readonly string[] OwnBusiness = ["output_dir", "log_every"];

    public static KeyValuePair<string, string>[] Of(RunConfiguration run)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        using var json = JsonDocument.Parse(run.ToJson());
        Flatten(json.RootElement, "", pairs);
        return [.. pairs];
    }

    private static void Flatten(JsonElement element, string path, List<KeyValuePair<string, string>> pairs)
    {
        foreach (var property in element.EnumerateObject())
        {
            var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (property.Value.ValueKind == JsonValueKind.Object)
                Flatten(property.Value, name, pairs);
            else if (Array.IndexOf(OwnBusiness, name) < 0)
                pairs.Add(new($"'{name}'", property.Value.GetRawText()));
        }
    }
}
