using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>What ranks that are processes compare before they begin: every key of the configuration that changes what is computed.</summary>
internal static class RunAgreement
{
    // Enough places that a text of other files, or in another order, shows; few enough to read at every start, however long the text.
    private const int TextPlaces = 64;
    private const int TokensPerPlace = 256;

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

    /// <summary>Whether events are exchanged between steps.</summary>
    public static KeyValuePair<string, string> OfTrace(bool trace) => new("--trace", trace ? "on" : "off");

    /// <summary>What is in the files that the configuration names: on another machine others may have these names.</summary>
    /// <param name="text">The training text.</param>
    /// <param name="validation">The validation text, if any.</param>
    /// <param name="start">The folder that the run starts from, if any.</param>
    public static IEnumerable<KeyValuePair<string, string>> OfContents(TextDataset text, TextDataset? validation, HuggingFaceFolder? start)
    {
        yield return new("a training text with digest", Digest(text.Tokens));
        if (validation is not null)
            yield return new("a validation text with digest", Digest(validation.Tokens));
        if (start is not null)
            yield return new("a model in 'init_from' with digest", start.Digest());
    }

    // Of tokens at regular distances: length, order and contents of all files have a part in it.
    private static string Digest(ITokens tokens)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new int[(int)Math.Min(TokensPerPlace, tokens.Count)];
        for (var place = 0; place < TextPlaces; place++)
        {
            tokens.Read((long)((Int128)(tokens.Count - piece.Length) * place / (TextPlaces - 1)), piece);
            hash.AppendData(MemoryMarshal.AsBytes(piece));
        }

        var digest = Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
        return string.Create(CultureInfo.InvariantCulture, $"{digest} ({tokens.Count} tokens)");
    }

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
