using System.Text.Json;

namespace NetZero.Training;

/// <summary>Finds the tokenizer for a configuration or for a saved model.</summary>
public static class Tokenizers
{
    /// <summary>The file in a model's folder that says which tokenizer it was trained with.</summary>
    public const string FileName = "netzero_tokenizer.json";

    private const int FormatVersion = 1;

    /// <summary>The tokenizer that a configuration asks for.</summary>
    public static ITokenizer Create(TokenizerKind kind) => kind switch
    {
        TokenizerKind.Bytes => new ByteTokenizer(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown tokenizer."),
    };

    /// <summary>The tokenizer saved in a model's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="vocabularySize">The model's vocabulary. A folder without a tokenizer and a vocabulary of 256 is taken as byte-level.</param>
    /// <exception cref="ConfigurationException">No tokenizer is saved and the vocabulary is no byte-level one, or the file is damaged.</exception>
    public static ITokenizer Load(string folder, int vocabularySize)
    {
        var path = Path.Combine(folder, FileName);
        var bytes = new ByteTokenizer();
        if (!File.Exists(path))
        {
            return vocabularySize == bytes.VocabularySize
                ? bytes
                : throw new ConfigurationException(
                    $"'{folder}' has no {FileName}, and a vocabulary of {vocabularySize} is not byte-level (256): "
                    + "only models saved by NetZero and byte-level models carry a tokenizer that can be used");
        }
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var version = json.RootElement.GetProperty("version").GetInt32();
            var type = json.RootElement.GetProperty("type").GetString();
            return version == FormatVersion && type == ByteTokenizer.Name
                ? bytes
                : throw new ConfigurationException(
                    $"'{path}': found tokenizer '{type}' of version {version}, expected '{ByteTokenizer.Name}' of version {FormatVersion}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"'{path}' cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ConfigurationException($"'{path}' is damaged: {e.Message}", e);
        }
    }

    internal static void Save(string folder, string type, int vocabularySize) =>
        File.WriteAllBytes(Path.Combine(folder, FileName), ConfigurationWriter.WriteObject(writer =>
        {
            writer.WriteNumber("version", FormatVersion);
            writer.WriteString("type", type);
            writer.WriteNumber("vocab_size", vocabularySize);
        }));
}
