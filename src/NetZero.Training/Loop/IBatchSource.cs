namespace NetZero.Training;

/// <summary>Gives a rank its micro-batches.</summary>
public interface IBatchSource
{
    /// <summary>Rows of one micro-batch.</summary>
    int Rows { get; }

    /// <summary>Tokens of one row.</summary>
    int SequenceLength { get; }

    /// <summary>The index, within the global batch, of the first row of a micro-batch; keys dropout.</summary>
    long FirstSample(int microBatch);

    /// <summary>Whether ranks run out of samples. They agree then before each step on whether it takes place; the same on every rank.</summary>
    bool Ends => false;

    /// <summary>Rows of a micro-batch that are samples; those behind them are padding, which <see cref="Read"/> fills with any tokens of the vocabulary.</summary>
    int SamplesLeft(long step, int microBatch) => Rows;

    /// <summary>Reads one micro-batch: <paramref name="inputs"/> and <paramref name="targets"/> have Rows x SequenceLength tokens.</summary>
    void Read(long step, int microBatch, Span<int> inputs, Span<int> targets);
}
