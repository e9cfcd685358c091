namespace NetZero.Training;

/// <summary>How text becomes tokens.</summary>
public enum TokenizerKind
{
    /// <summary>One token a byte, 256 in all.</summary>
    Bytes,
}

/// <summary>The section <c>data</c>.</summary>
public sealed record DataConfiguration
{
    /// <summary>The text to train on: files, folders or glob patterns, in this order.</summary>
    public IReadOnlyList<string> Train { get; init; } = [];

    /// <summary>The text to evaluate on; empty when there is none.</summary>
    public IReadOnlyList<string> Validation { get; init; } = [];

    /// <summary>The tokenizer.</summary>
    public TokenizerKind Tokenizer { get; init; } = TokenizerKind.Bytes;

    /// <summary>Tokens of one sample, T; by default the model's positions.</summary>
    public int SequenceLength { get; init; }

    /// <summary>Whether samples are taken in a new random order each epoch, which depends on the seed and the epoch alone.</summary>
    public bool Shuffle { get; init; }
}
