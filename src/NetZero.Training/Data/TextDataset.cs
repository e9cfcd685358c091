namespace NetZero.Training;

/// <summary>A text, opened and cut into samples of T tokens. Sample i is tokens [i T, i T + T); its last target is the token behind it.</summary>
public sealed class TextDataset : IDisposable
{
    private readonly MappedText _text;

    private TextDataset(TextFiles source, MappedText text, ITokens tokens, int sequenceLength)
    {
        Source = source;
        _text = text;
        Tokens = tokens;
        SampleCount = (tokens.Count - 1) / sequenceLength;
    }

    /// <summary>The files, and what was passed over.</summary>
    public TextFiles Source { get; }

    /// <summary>The text.</summary>
    public ITokens Tokens { get; }

    /// <summary>Whole samples that the text holds, each with its last target; a remainder is not used.</summary>
    public long SampleCount { get; }

    /// <summary>Opens the text to train on.</summary>
    /// <exception cref="ConfigurationException">The text is missing, empty, shorter than a sample, or has fewer samples than there are ranks.</exception>
    public static TextDataset OpenTraining(RunConfiguration configuration, ITokenizer tokenizer) =>
        Open("data.train", configuration.Data.Train, TextFiles.Find(configuration.Data.Train, "data.train"), configuration, tokenizer, configuration.Ranks);

    /// <summary>Opens the files of this text that are one rank's own, as a text.</summary>
    /// <exception cref="ConfigurationException">There are none, or they are shorter than a sample.</exception>
    public TextDataset OpenFilesOf(int rank, RunConfiguration configuration, ITokenizer tokenizer)
    {
        var files = Source.Of(rank, configuration.Ranks);
        if (files.Files.Count == 0)
        {
            throw new ConfigurationException(
                $"'data.shard_by' is \"files\", but {Name(configuration.Data.Train)} has {Source.Files.Count} files for {configuration.Ranks} ranks; "
                + "give each rank at least one, or leave 'data.shard_by' out");
        }

        return Open("data.train", [.. files.Files.Select(file => file.Path)], files, configuration, tokenizer, sharers: 1);
    }

    /// <summary>Opens the text to evaluate on, or nothing when the configuration names none.</summary>
    /// <exception cref="ConfigurationException">As for <see cref="OpenTraining"/>.</exception>
    public static TextDataset? OpenValidation(RunConfiguration configuration, ITokenizer tokenizer) =>
        configuration.Data.Validation.Count == 0 ? null
            : Open("data.validation", configuration.Data.Validation, TextFiles.Find(configuration.Data.Validation, "data.validation"), configuration, tokenizer, configuration.Ranks);

    /// <summary>Closes the files.</summary>
    public void Dispose() => _text.Dispose();

    private static TextDataset Open(
        string key, IReadOnlyList<string> entries, TextFiles source, RunConfiguration configuration, ITokenizer tokenizer, int sharers)
    {
        var text = MappedText.Open(source.Files);
        try
        {
            var length = configuration.Data.SequenceLength;
            var dataset = new TextDataset(source, text, tokenizer.Tokenize(text), length);
            if (Problem(dataset, length, sharers) is { } problem)
                throw new ConfigurationException($"'{key}': the text of {Name(entries)} {problem}{SkippedNote(source)}");
            return dataset;
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }

    private static string? Problem(TextDataset dataset, int length, int ranks)
    {
        var tokens = dataset.Tokens.Count;
        if (tokens == 0)
            return "is empty";
        if (dataset.SampleCount == 0)
            return $"has {tokens} tokens, but one sample takes {length + 1L} (data.seq_len {length} and one more as the last target)";
        if (dataset.SampleCount < ranks)
        {
            return $"has {dataset.SampleCount} samples of {length} tokens, fewer than the {ranks} ranks; "
                + "use fewer ranks, a shorter data.seq_len or more text";
        }
        return null;
    }

    private static string Name(IReadOnlyList<string> entries) =>
        string.Join(", ", entries.Select(entry => Path.GetFullPath(entry) is var full && full == entry ? $"'{entry}'" : $"'{entry}' ({full})"));

    private static string SkippedNote(TextFiles source)
    {
        if (source.Files.Count > 0 || source.Skipped.Count == 0)
            return "";
        var reasons = source.Skipped.CountBy(skipped => skipped.Reason).Select(group => $"{group.Value} {group.Key}");
        return $" (passed over: {string.Join(", ", reasons)})";
    }
}
