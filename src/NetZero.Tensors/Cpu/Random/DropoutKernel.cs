using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = x * keep / (1 - p), keep = 0 with probability p: forward, and backward with dy for x (the mask is made again, not saved).
/// </summary>
/// <remarks>
/// Element e of sample s is dropped if word e % 4 of Philox(counter (e / 4, s), key(seed, step, site)) lies below p 2^32. x and y are
/// [samples, elementsPerSample], contiguous; they may be the same memory.
/// </remarks>
internal readonly unsafe struct DropoutKernel(
    FloatPointer x, FloatPointer y, long samples, long elementsPerSample, float probability, DropoutKey key, bool accumulate) : IKernel, IParallelBody
{
    // Elements a task handles: a multiple of 4 (a Philox block), about 100 microseconds of work.
    private const long ChunkElements = 16384;

    private readonly ulong _key = key.Derive();
    private readonly uint _threshold = Threshold(probability);
    private readonly float _scale = 1 / (1 - probability);

    /// <summary>Words below this drop their element.</summary>
    internal static uint Threshold(float probability)
    {
        Debug.Assert(probability is >= 0 and < 1, "the op checks the probability");
        return (uint)(probability * 4294967296.0);
    }

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(y);
        arguments.Add(samples);
        arguments.Add(elementsPerSample);
        arguments.Add(probability);
        arguments.Add(key.Seed);
        arguments.Add(key.Step);
        arguments.Add(key.Site);
        arguments.Add(key.FirstSample);
        arguments.Add(accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(samples * elementsPerSample, x.ElementBytes + (y.ElementBytes * (accumulate ? 2 : 1)));

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(samples * ChunksPerSample, ref body);
    }

    private long ChunksPerSample => (elementsPerSample + ChunkElements - 1) / ChunkElements;

    public void Run(long index, int worker)
    {
        var (sample, chunk) = Math.DivRem(index, ChunksPerSample);
        var start = chunk * ChunkElements;
        var count = Math.Min(ChunkElements, elementsPerSample - start);
        var offset = (sample * elementsPerSample) + start;
        if (x.IsFloat && y.IsFloat)
            Mask(x.Floats + offset, y.Floats + offset, start, count, (ulong)(key.FirstSample + sample));
        else
            MaskTiles(x.At(offset), y.At(offset), start, count, (ulong)(key.FirstSample + sample));
    }

    // The tiles are written before they are read.
    [SkipLocalsInit]
    private void MaskTiles(FloatPointer source, FloatPointer target, long start, long count, ulong sample)
    {
        var tiles = stackalloc float[2 * Tile.Length];
        for (long i = 0; i < count; i += Tile.Length)
        {
            var n = Math.Min(Tile.Length, count - i);
            var to = target.At(i);
            var sums = accumulate ? to.Read(n, tiles + Tile.Length) : to.Target(tiles + Tile.Length);
            Mask(source.At(i).Read(n, tiles), sums, start + i, n, sample);
            to.Write(sums, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mask(float* source, float* target, long start, long count, ulong sample)
    {
        var words = stackalloc uint[PhiloxVector.Words];
        for (long i = 0; i < count; i += PhiloxVector.Words)
        {
            PhiloxVector.Generate((ulong)(start + i) >> 2, sample, _key, words);
            long j = 0;
            for (; j < PhiloxVector.Words && i + j <= count - Vector256<float>.Count; j += Vector256<float>.Count)
            {
                var dropped = Vector256.LessThan(Vector256.Load(words + j), Vector256.Create(_threshold)).AsSingle();
                var kept = Vector256.AndNot(Vector256.Load(source + i + j) * _scale, dropped);
                (accumulate ? Vector256.Load(target + i + j) + kept : kept).Store(target + i + j);
            }

            for (; j < PhiloxVector.Words && i + j < count; j++)
            {
                var kept = words[j] < _threshold ? 0 : source[i + j] * _scale;
                target[i + j] = accumulate ? target[i + j] + kept : kept;
            }
        }
    }
}
