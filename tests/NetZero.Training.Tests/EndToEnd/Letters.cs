namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Batches of a row of numbers that repeats.</summary>
internal sealed class Letters : IBatchSource
{
    public int Rows => 2;

    public int SequenceLength => 8;

    public long FirstSample(int microBatch) => microBatch * Rows;

    public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
    {
        for (var i = 0; i < inputs.Length; i++)
            (inputs[i], targets[i]) = ((int)((step + i) % 11), (int)((step + i + 1) % 11));
    }
}
