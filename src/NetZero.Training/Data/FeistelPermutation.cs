namespace NetZero.Training;

/// <summary>
/// A random permutation of 0 .. count - 1 that is computed, not stored: a Feistel network over an even number of bits (Luby and Rackoff,
/// "How to construct pseudorandom permutations from pseudorandom functions", 1988), walked along its cycle until the value is below count
/// (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002, section 3).
/// </summary>
/// <remarks>
/// Every network of this form is a bijection whatever the round function, and walking keeps it one. The domain is less than four times
/// the count, so a value takes less than four walks on average. A text of a trillion samples needs no more memory than one of ten.
/// </remarks>
internal readonly struct FeistelPermutation
{
    // Four rounds give a strong pseudorandom permutation (Luby and Rackoff); small domains need more before pairs look independent.
    private const int Rounds = 8;

    private readonly long _count;
    private readonly int _halfBits;
    private readonly ulong _key;

    /// <summary>The permutation of <paramref name="count"/> values that belongs to a seed and a stream (an epoch).</summary>
    public FeistelPermutation(long count, long seed, long stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _count = count;
        var bits = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(count - 1));
        _halfBits = Math.Max(1, (bits + 1) / 2);
        _key = SplitMix64.Mix(SplitMix64.Mix((ulong)seed) ^ (ulong)stream);
    }

    /// <summary>Where <paramref name="index"/> goes.</summary>
    public long this[long index]
    {
        get
        {
            var value = (ulong)index;
            do
                value = Network(value);
            while (value >= (ulong)_count);
            return (long)value;
        }
    }

    private ulong Network(ulong value)
    {
        var mask = (1UL << _halfBits) - 1;
        var (left, right) = (value >> _halfBits, value & mask);
        for (var round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ (SplitMix64.Mix(_key + ((ulong)round << 56) + right) & mask));
        return left << _halfBits | right;
    }
}
