namespace NetZero.Training;

/// <summary>Tokens that a benchmark trains on: random ones, the same in every run, others on every rank and in every step.</summary>
/// <param name="rows">Samples of a micro-batch.</param>
/// <param name="sequenceLength">Tokens of a sample.</param>
/// <param name="vocabulary">How many tokens there are.</param>
/// <param name="rank">The rank.</param>
internal sealed class SyntheticBatches(int rows, int sequenceLength, int vocabulary, int rank) : IBatchSource
{
    public int Rows => rows;

    public int SequenceLength => sequenceLength;

    public long FirstSample(int microBatch) => (long)rank * Rows;

    public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
    {
        var random = new Random(HashCode.Combine(rank, step));
        foreach (ref var token in inputs)
            token = random.Next(vocabulary);
        foreach (ref var token in targets)
            token = random.Next(vocabulary);
    }
}
