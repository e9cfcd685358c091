using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// Turns each pair (x[i], x[i + D / 2]) of a head's channels by the angle a = (offset + t) base^(-2 i / D):
/// y[i] = x[i] cos a - x[i + D / 2] sin a, y[i + D / 2] = x[i + D / 2] cos a + x[i] sin a. Inverse turns by -a, which is the gradient.
/// </summary>
/// <remarks>x, y [batch, tokens, heads, channels] contiguous; they may be the same memory. Angles are computed in double precision: at token
/// 100,000 a float angle would be off by 0.004.</remarks>
internal readonly unsafe struct RotaryKernel(
    FloatPointer x, FloatPointer y, long batch, long tokens, long heads, long channels, double frequencyBase, long offset, bool inverse, bool accumulate)
    : IKernel, IParallelBody
{
    // Pairs whose sines and cosines are on the stack at once: 4 KiB.
    private const int MaxPairs = 512;

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(y);
        arguments.Add(batch);
        arguments.Add(tokens);
        arguments.Add(heads);
        arguments.Add(channels);
        arguments.Add(frequencyBase);
        arguments.Add(offset);
        arguments.Add(inverse);
        arguments.Add(accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(batch * tokens * heads * channels, x.ElementBytes + (y.ElementBytes * (accumulate ? 2 : 1)));

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(tokens, ref body);
    }

    // A task is one token of all sequences and heads: they share its angles.
    public void Run(long index, int worker)
    {
        var sines = stackalloc float[MaxPairs];
        var cosines = stackalloc float[MaxPairs];
        for (long first = 0; first < channels / 2; first += MaxPairs)
        {
            var pairs = Math.Min(MaxPairs, (channels / 2) - first);
            for (long i = 0; i < pairs; i++)
            {
                var angle = (offset + index) * Math.Pow(frequencyBase, -2.0 * (first + i) / channels);
                sines[i] = (float)Math.Sin(inverse ? -angle : angle);
                cosines[i] = (float)Math.Cos(angle);
            }

            for (long b = 0; b < batch; b++)
            {
                var token = (((b * tokens) + index) * heads * channels) + first;
                for (long h = 0; h < heads; h++)
                    Turn(x.At(token + (h * channels)), y.At(token + (h * channels)), sines, cosines, pairs);
            }
        }
    }

    // The lower and the upper half of the pairs, each a tile where they are not floats.
    [SkipLocalsInit]
    private void Turn(FloatPointer source, FloatPointer target, float* sines, float* cosines, long pairs)
    {
        var half = channels / 2;
        if (source.IsFloat && target.IsFloat)
        {
            TurnHalves(source.Floats, source.Floats + half, target.Floats, target.Floats + half, sines, cosines, pairs);
            return;
        }

        var tiles = stackalloc float[4 * MaxPairs];
        var low = source.Read(pairs, tiles);
        var high = source.At(half).Read(pairs, tiles + MaxPairs);
        var (toLow, toHigh) = (target, target.At(half));
        var sumLow = accumulate ? toLow.Read(pairs, tiles + (2 * MaxPairs)) : toLow.Target(tiles + (2 * MaxPairs));
        var sumHigh = accumulate ? toHigh.Read(pairs, tiles + (3 * MaxPairs)) : toHigh.Target(tiles + (3 * MaxPairs));
        TurnHalves(low, high, sumLow, sumHigh, sines, cosines, pairs);
        toLow.Write(sumLow, pairs);
        toHigh.Write(sumHigh, pairs);
    }

    private void TurnHalves(float* low, float* high, float* toLow, float* toHigh, float* sines, float* cosines, long pairs)
    {
        if (Lanes16.IsSupported)
            Turn<Lanes16>(low, high, toLow, toHigh, sines, cosines, pairs);
        else if (Lanes8.IsSupported)
            Turn<Lanes8>(low, high, toLow, toHigh, sines, cosines, pairs);
        else if (Lanes4.IsSupported)
            Turn<Lanes4>(low, high, toLow, toHigh, sines, cosines, pairs);
        else
            Turn<Lanes1>(low, high, toLow, toHigh, sines, cosines, pairs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Turn<T>(float* lows, float* highs, float* toLow, float* toHigh, float* sines, float* cosines, long pairs)
        where T : struct, ILanes<T>
    {
        for (long i = 0; i < pairs; i += T.Count)
        {
            var n = Math.Min(T.Count, pairs - i);
            var (low, high) = (PartialLanes.LoadUpTo<T>(lows + i, n), PartialLanes.LoadUpTo<T>(highs + i, n));
            var (sine, cosine) = (PartialLanes.LoadUpTo<T>(sines + i, n), PartialLanes.LoadUpTo<T>(cosines + i, n));
            Put(toLow + i, (low * cosine) - (high * sine), n);
            Put(toHigh + i, (high * cosine) + (low * sine), n);
        }
    }

    private void Put<T>(float* target, T value, long count)
        where T : struct, ILanes<T> =>
        PartialLanes.StoreUpTo(target, accumulate ? PartialLanes.LoadUpTo<T>(target, count) + value : value, count);
}
