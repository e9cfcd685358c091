using NetZero.Sharding;

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
            "shuffle", new Flag(), d => d.Shuffle, (d, v) => d with { Shuffle = v }, "Whether each epoch takes the samples in a random order."),
        new ValueKey<DataConfiguration, TextSharding>(
            "shard_by", new Choice<TextSharding>(("samples", TextSharding.Samples), ("files", TextSharding.Files)), d => d.ShardBy, (d, v) => d with { ShardBy = v },
            "What is dealt out over the ranks: the samples of each step, or the files of data.train, of which rank r then reads the r-th, the (r + ranks)-th and so on."),
        new ValueKey<DataConfiguration, int>(
            "epochs", new WholeNumber<int>(0), d => d.Epochs, (d, v) => d with { Epochs = v },
            "How often the text is read: the run ends then, or after steps, whichever comes first; 0 is as often as the steps need."),
        new ValueKey<DataConfiguration, UnevenInputs>(
            "uneven_inputs", new Choice<UnevenInputs>(("stop", UnevenInputs.Stop), ("pad", UnevenInputs.Pad), ("skip", UnevenInputs.Skip)),
            d => d.UnevenInputs, (d, v) => d with { UnevenInputs = v },
            "When some ranks have read their last sample: stop all before the first step in which a rank has none, or go on until all have; "
            + "who has none computes with weight 0 (pad) or only takes part in the collectives (skip).")
        { Only = (d => d.Epochs > 0, "data.epochs above 0") });
}
