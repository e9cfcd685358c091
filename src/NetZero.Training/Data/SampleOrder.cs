namespace NetZero.Training;

/// <summary>Which sample of the text comes when: position p of the run is sample p mod n of epoch p / n, in text order or shuffled.</summary>
/// <remarks>
/// Epochs follow one another without a gap: a batch that reaches the last sample goes on with the next epoch's first. Shuffled, each epoch is
/// a permutation of its own that depends on the seed and the epoch, not on ranks or batch sizes.
/// </remarks>
public sealed class SampleOrder
{
    private readonly long _count;
    private readonly bool _shuffle;
    private readonly long _seed;

    /// <summary>The order of <paramref name="count"/> samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no sample.</exception>
    public SampleOrder(long count, bool shuffle, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (_count, _shuffle, _seed) = (count, shuffle, seed);
    }

    /// <summary>Samples of one epoch.</summary>
    public long Count => _count;

    /// <summary>The sample at a position of the run, counted from its start over all epochs.</summary>
    public long this[long position]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(position);
            var (epoch, index) = Math.DivRem(position, _count);
            return _shuffle ? new FeistelPermutation(_count, _seed, epoch)[index] : index;
        }
    }

    /// <summary>The place in the run after <paramref name="samples"/> samples, to be saved.</summary>
    public DataPosition At(long samples) => new(samples, _count, _shuffle, _seed);

    /// <summary>How many samples a saved place is after the start.</summary>
    /// <exception cref="ConfigurationException">It was saved with another text, sequence length, order or seed.</exception>
    public long Restore(DataPosition saved)
    {
        var same = At(saved.Samples) with { Seed = _shuffle ? _seed : saved.Seed };
        return saved == same
            ? saved.Samples
            : throw new ConfigurationException($"the saved data position ({saved}) does not belong to this run's data ({same})");
    }
}

/// <summary>A place in the order of samples, and what that order depends on.</summary>
/// <param name="Samples">Samples used so far, over all epochs and ranks.</param>
/// <param name="SamplesPerEpoch">Samples that the text holds.</param>
/// <param name="Shuffle">Whether they are shuffled.</param>
/// <param name="Seed">The seed that shuffles them.</param>
public readonly record struct DataPosition(long Samples, long SamplesPerEpoch, bool Shuffle, long Seed)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"sample {Samples} of {SamplesPerEpoch} an epoch, {(Shuffle ? $"shuffled by seed {Seed}" : "in text order")}";
}
