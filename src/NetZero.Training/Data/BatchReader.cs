namespace NetZero.Training;

/// <summary>Reads the micro-batches of one rank. It has no state: what a step sees depends on the step alone.</summary>
/// <param name="tokens">The text.</param>
/// <param name="order">Which sample comes when.</param>
/// <param name="layout">How a step's samples are dealt.</param>
/// <param name="rank">The rank.</param>
/// <param name="origin">The position that step 0 would begin at; not 0 where an earlier part of the run had batches of another size.</param>
/// <param name="epochs">After how many epochs the rank runs out of samples; 0 is never.</param>
/// <param name="ownText">Whether the text is the rank's own, and not one that all ranks share.</param>
public sealed class BatchReader(ITokens tokens, SampleOrder order, BatchLayout layout, int rank, long origin = 0, int epochs = 0, bool ownText = false)
{
    private readonly long _end = epochs == 0 ? long.MaxValue : checked(epochs * order.Count);
    private readonly BatchLayout _shared = ownText ? layout with { Ranks = 1 } : layout;

    /// <summary>How a step's samples are dealt.</summary>
    public BatchLayout Layout => layout;

    /// <summary>The position in the text's order of a micro-batch's first sample; its other samples follow.</summary>
    public long Position(long step, int microBatch) => origin + step * _shared.Samples + _shared.FirstSample(ownText ? 0 : rank, microBatch);

    /// <summary>
    /// The place of a micro-batch's first sample within its step. Random numbers of a sample are keyed by step and place, so that they do not depend on
    /// which rank computes the sample.
    /// </summary>
    public long FirstSample(int microBatch) => layout.FirstSample(rank, microBatch);

    /// <summary>Whether the rank runs out of samples.</summary>
    public bool Ends => epochs > 0;

    /// <summary>In how many steps the rank has a sample; <see cref="long.MaxValue"/> where it never runs out of them.</summary>
    public long Steps
    {
        get
        {
            var samples = _end - Position(0, 0);
            return !Ends ? long.MaxValue : samples <= 0 ? 0 : ((samples - 1) / _shared.Samples) + 1;
        }
    }

    /// <summary>How many samples of a micro-batch come before the end; what <see cref="Read"/> gives behind them are those of another epoch.</summary>
    public int SamplesLeft(long step, int microBatch) => (int)Math.Clamp(_end - Position(step, microBatch), 0, layout.MicroBatchSize);

    /// <summary>Fills a micro-batch: sample i is tokens [i T, i T + T), its targets are the tokens that follow each of them.</summary>
    /// <param name="step">The optimizer step, from 0.</param>
    /// <param name="microBatch">The micro-batch of the step, from 0.</param>
    /// <param name="inputs">Receives token ids [micro-batch size, T].</param>
    /// <param name="targets">Receives token ids [micro-batch size, T].</param>
    /// <exception cref="ArgumentException">A buffer does not hold exactly one micro-batch.</exception>
    public void Read(long step, int microBatch, Span<int> inputs, Span<int> targets)
    {
        var length = layout.SequenceLength;
        if (inputs.Length != layout.MicroBatchTokens || targets.Length != layout.MicroBatchTokens)
        {
            throw new ArgumentException(
                $"A micro-batch has {layout.MicroBatchTokens} tokens, the buffers hold {inputs.Length} inputs and {targets.Length} targets.");
        }
        var position = Position(step, microBatch);
        for (var row = 0; row < layout.MicroBatchSize; row++)
        {
            var start = order[position + row] * length;
            var input = inputs.Slice(row * length, length);
            var target = targets.Slice(row * length, length);
            tokens.Read(start, input);
            input[1..].CopyTo(target);
            tokens.Read(start + length, target[^1..]);
        }
    }
}
