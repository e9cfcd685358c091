using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>How text becomes tokens.</summary>
public enum TokenizerKind
{
    /// <summary>One token a byte, 256 in all.</summary>
    Bytes,
}

/// <summary>Which part of the training text a rank reads.</summary>
public enum TextSharding
{
    /// <summary>Ranks share one text: the samples of each step are dealt out.</summary>
    Samples,

    /// <summary>Each rank has files of its own, file i is rank i mod N's; ranks may have different numbers of samples.</summary>
    Files,
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

    /// <summary>Which part of the training text a rank reads.</summary>
    public TextSharding ShardBy { get; init; }

    /// <summary>How often the training text is read: a run ends then, or after its steps, whichever comes first. 0 is as often as the steps need.</summary>
    public int Epochs { get; init; }

    /// <summary>What happens when some ranks have read their last sample and others have not, where <see cref="Epochs"/> ends the text.</summary>
    public UnevenInputs UnevenInputs { get; init; } = UnevenInputs.Skip;
}
