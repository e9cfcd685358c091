namespace NetZero.Training;

/// <summary>The micro-batches of a text.</summary>
/// <param name="reader">This rank's part of the text.</param>
internal sealed class TextBatches(BatchReader reader) : IBatchSource
{
    public int Rows => reader.Layout.MicroBatchSize;

    public int SequenceLength => reader.Layout.SequenceLength;

    public long FirstSample(int microBatch) => reader.FirstSample(microBatch);

    public bool Ends => reader.Ends;

    public int SamplesLeft(long step, int microBatch) => reader.SamplesLeft(step, microBatch);

    public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets) => reader.Read(step, microBatch, inputs, targets);
}

/// <summary>Micro-batches without contents, for runs on Meta.</summary>
/// <param name="rows">Rows of a micro-batch.</param>
/// <param name="sequenceLength">Tokens of a row.</param>
internal sealed class BlankBatches(int rows, int sequenceLength) : IBatchSource
{
    public int Rows => rows;

    public int SequenceLength => sequenceLength;

    public long FirstSample(int microBatch) => 0;

    public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
    {
    }
}
