using System.Runtime.CompilerServices;
using System.Text;

namespace NetZero.Tensors;

/// <summary>Random initial values that depend on (seed, name, element) and on nothing else.</summary>
/// <remarks>
/// Any range of a tensor can be filled alone and equals the slice of the whole, so each rank fills its own shard and every
/// world size starts from the same weights. The generator is Philox4x32-10 with the seed as key and (element / 4, stream) as counter.
/// </remarks>
public static unsafe class CounterRandom
{
    // FNV-1a, 64 bits: offset basis and prime as published by Fowler, Noll and Vo.
    private const ulong FnvBasis = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;
    private const double TwoToMinus32 = 1.0 / 4294967296.0;

    /// <summary>The stream of a parameter: the 64-bit FNV-1a hash of its name in UTF-8. The same on every machine and in every run.</summary>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    public static ulong StreamOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var hash = FnvBasis;
        foreach (var b in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ b) * FnvPrime;
        return hash;
    }

    /// <summary>Elements [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>) of a normally distributed tensor.</summary>
    /// <remarks>Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958), in double precision; each block of four
    /// words gives four deviates. No deviate is farther than 6.8 standard deviations from the mean (words have 32 bits).</remarks>
    /// <param name="target">Where element <paramref name="start"/> goes; room for <paramref name="count"/> floats.</param>
    /// <param name="start">Index of the first element in the whole tensor.</param>
    /// <param name="count">How many elements to fill.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="standardDeviation">The standard deviation.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">Which tensor, from <see cref="StreamOf"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative start or count.</exception>
    public static void FillNormal(
        float* target, long start, long count, double mean, double standardDeviation, long seed, ulong stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var four = stackalloc float[4];
        for (long i = start, end = start + count; i < end;)
        {
            var block = Cpu.Philox.Generate((ulong)(i >> 2), stream, (ulong)seed);
            NormalPair(block.W0, block.W1, mean, standardDeviation, four);
            NormalPair(block.W2, block.W3, mean, standardDeviation, four + 2);
            for (var lane = i & 3; lane < 4 && i < end; lane++, i++)
                target[i - start] = four[lane];
        }
    }

    /// <summary>Elements [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>) of a tensor distributed uniformly
    /// over [<paramref name="low"/>, <paramref name="high"/>).</summary>
    /// <param name="target">Where element <paramref name="start"/> goes; room for <paramref name="count"/> floats.</param>
    /// <param name="start">Index of the first element in the whole tensor.</param>
    /// <param name="count">How many elements to fill.</param>
    /// <param name="low">The lower bound, inclusive.</param>
    /// <param name="high">The upper bound, exclusive; above <paramref name="low"/>.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">Which tensor, from <see cref="StreamOf"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative start or count, or an empty interval.</exception>
    public static void FillUniform(float* target, long start, long count, float low, float high, long seed, ulong stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(low, high);
        var four = stackalloc uint[4];
        var width = (double)high - low;
        var largest = MathF.BitDecrement(high); // rounding to float must not reach the excluded bound
        for (long i = start, end = start + count; i < end;)
        {
            var block = Cpu.Philox.Generate((ulong)(i >> 2), stream, (ulong)seed);
            (four[0], four[1], four[2], four[3]) = (block.W0, block.W1, block.W2, block.W3);
            for (var lane = i & 3; lane < 4 && i < end; lane++, i++)
                target[i - start] = MathF.Min(largest, (float)(low + (width * (four[lane] * TwoToMinus32))));
        }
    }

    // r = sqrt(-2 ln u), z = r cos(2 pi v) and r sin(2 pi v), with u and v in the middle of their 2^-32 cells, so that u is never 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalPair(uint a, uint b, double mean, double standardDeviation, float* pair)
    {
        var radius = standardDeviation * Math.Sqrt(-2 * Math.Log((a + 0.5) * TwoToMinus32));
        var (sin, cos) = Math.SinCos(2 * Math.PI * ((b + 0.5) * TwoToMinus32));
        pair[0] = (float)(mean + (radius * cos));
        pair[1] = (float)(mean + (radius * sin));
    }
}
