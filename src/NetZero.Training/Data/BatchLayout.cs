namespace NetZero.Training;

/// <summary>How the samples of one optimizer step are dealt: rank-major, each rank's micro-batches in their order.</summary>
/// <param name="Ranks">Ranks.</param>
/// <param name="MicroBatches">Micro-batches of a rank in a step.</param>
/// <param name="MicroBatchSize">Samples of a micro-batch.</param>
/// <param name="SequenceLength">Tokens of a sample, T.</param>
public readonly record struct BatchLayout(int Ranks, int MicroBatches, int MicroBatchSize, int SequenceLength)
{
    /// <summary>Samples of one step over all ranks, B.</summary>
    public long Samples => (long)Ranks * MicroBatches * MicroBatchSize;

    /// <summary>Tokens of one micro-batch.</summary>
    public int MicroBatchTokens => checked(MicroBatchSize * SequenceLength);

    /// <summary>The layout that a configuration describes.</summary>
    public static BatchLayout Of(RunConfiguration configuration) => new(
        configuration.Ranks, configuration.AccumulationSteps, configuration.MicroBatchSize, configuration.Data.SequenceLength);

    /// <summary>The place within the step's B samples of a micro-batch's first: rank r has the r-th contiguous part.</summary>
    public long FirstSample(int rank, int microBatch) => ((long)rank * MicroBatches + microBatch) * MicroBatchSize;
}
