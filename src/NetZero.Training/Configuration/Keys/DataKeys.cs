namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>data</c>.</summary>
internal static class DataKeys
{
    /// <summary>The section itself.</summary>
    public static readonly Section<DataConfiguration> Section = new(
        new ValueKey<DataConfiguration, IReadOnlyList<string>>(
            "train", new TextList(), d => d.Train, (d, v) => d with { Train = v },
            "The text to train on: a file, a folder or a glob pattern, or a list of them. Relative to the working directory. Required."),
        new ValueKey<DataConfiguration, IReadOnlyList<string>>(
            "validation", new TextList(), d => d.Validation, (d, v) => d with { Validation = v },
            "The text to evaluate on every eval_every steps: a file, a folder or a glob pattern, or a list of them."),
        new ValueKey<DataConfiguration, TokenizerKind>(
            "tokenizer", new Choice<TokenizerKind>(("bytes", TokenizerKind.Bytes)), d => d.Tokenizer, (d, v) => d with { Tokenizer = v },
            "How text becomes tokens."),
        Counts.Size<DataConfiguration>(
            "seq_len", d => d.SequenceLength, (d, v) => d with { SequenceLength = v }, "Tokens of one sample; by default the model's n_positions."),
        new ValueKey<DataConfiguration, bool>(
            "shuffle", new Flag(), d => d.Shuffle, (d, v) => d with { Shuffle = v }, "Whether each epoch takes the samples in a random order."));
}
