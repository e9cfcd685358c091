using System.Text.Json;
using NetZero.Training.Keys;

namespace NetZero.Training;

/// <summary>From a file and overrides to a complete configuration: parse, take values, fill in what follows from others, check.</summary>
internal static class ConfigurationReader
{
    /// <summary>Comments and trailing commas are fine, a key that stands twice is not.</summary>
    public static readonly JsonDocumentOptions Json =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };

    public static RunConfiguration ReadFile(string path, IReadOnlyList<string> overrides)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigurationException($"configuration '{path}' not found (looked for {Path.GetFullPath(path)})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConfigurationException($"configuration '{path}' cannot be read: {e.Message}", e);
        }
        return Read(bytes, path, overrides);
    }

    public static RunConfiguration Read(ReadOnlyMemory<byte> utf8, string file, IReadOnlyList<string> overrides)
    {
        using var document = ParseDocument(utf8, file);
        var (configuration, reading) = ReadOver(new RunConfiguration(), document, file, overrides);
        if (configuration.InitFrom is { } folder)
        {
            var pretrained = PretrainedModel.Read(folder);
            (configuration, reading) = ReadOver(new RunConfiguration { Model = pretrained }, document, file, overrides);
            reading.Problems.AddRange(PretrainedModel.Contradictions(pretrained, configuration.Model));
        }
        configuration = ConfigurationChecks.Complete(configuration, reading);
        ThrowIfAny(reading, file);
        return configuration;
    }

    private static JsonDocument ParseDocument(ReadOnlyMemory<byte> utf8, string file)
    {
        try
        {
            // Editors on Windows may put a byte order mark in front.
            var bom = System.Text.Encoding.UTF8.Preamble;
            return JsonDocument.Parse(utf8.Span.StartsWith(bom) ? utf8[bom.Length..] : utf8, Json);
        }
        catch (JsonException e)
        {
            var place = e.LineNumber is { } line ? $", line {line + 1}, byte {e.BytePositionInLine + 1}" : "";
            var reason = e.Message.Split(" LineNumber:", 2)[0];
            throw new ConfigurationException($"{file}{place}: not valid JSON: {reason}", e);
        }
        catch (InvalidOperationException e)
        {
            // Comparing names for duplicates decodes them.
            throw NotUnicode(file, e);
        }
    }

    private static RunConfiguration ReadKeys(RunConfiguration defaults, JsonElement root, string file, Reading reading)
    {
        try
        {
            return ConfigurationKeys.Root.Read(defaults, root, "", reading);
        }
        catch (InvalidOperationException e)
        {
            // The JSON reader's answer to strings that are no Unicode, when they are decoded: bad UTF-8, half a surrogate pair.
            throw NotUnicode(file, e);
        }
    }

    private static ConfigurationException NotUnicode(string file, Exception e) =>
        new($"{file}: holds a string that is not valid Unicode; save the file as UTF-8, and write \\ud800 to \\udfff in pairs", e);

    private static (RunConfiguration Configuration, Reading Reading) ReadOver(
        RunConfiguration defaults, JsonDocument document, string file, IReadOnlyList<string> overrides)
    {
        var reading = new Reading([.. ConfigurationKeys.Root.Paths("")]);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new ConfigurationException($"{file}: found {document.RootElement.ValueKind} at the top, expected an object");
        var configuration = ReadKeys(defaults, document.RootElement, file, reading);
        foreach (var setting in overrides)
            configuration = Override(configuration, setting, reading);
        // Without its values in place a configuration cannot be checked as a whole: later messages would only be consequences.
        ThrowIfAny(reading, file);
        return (configuration, reading);
    }

    private static RunConfiguration Override(RunConfiguration configuration, string setting, Reading reading)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            reading.Problems.Add($"--set '{setting}': expected KEY.PATH=VALUE, for example --set zero_optimization.stage=3");
            return configuration;
        }
        try
        {
            return ConfigurationKeys.Root.Set(configuration, setting[..equals].Trim().Split('.'), setting[(equals + 1)..], "", reading);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The first from escapes in JSON, the second from the argument itself: half a surrogate pair has no UTF-8.
            reading.Problems.Add($"--set '{setting}': holds a string that is not valid Unicode");
            return configuration;
        }
    }

    private static void ThrowIfAny(Reading reading, string file)
    {
        if (reading.Problems.Count > 0)
            throw new ConfigurationException([.. reading.Problems.Select(problem => $"{file}: {problem}")]);
    }
}
