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

    /// <summary>Reads one micro-batch: <paramref name="inputs"/> and <paramref name="targets"/> have Rows x SequenceLength tokens.</summary>
    void Read(long step, int microBatch, Span<int> inputs, Span<int> targets);
}
