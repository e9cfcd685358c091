using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>dweight[ids[i]] += dy[i] for i in order: the gradient of <see cref="EmbeddingForwardKernel"/>.</summary>
/// <remarks>
/// The table is cleared first (unless accumulate). Then its columns are cut into strips and each task owns a strip, adding its part of
/// every row of dy in order. So each element has one writer and one order of additions, whatever the number of threads.
/// Ids were checked by the forward pass. A 16-bit table is rounded after each addition.
/// </remarks>
internal readonly unsafe struct EmbeddingBackwardKernel(
    void* ids, DType idType, FloatPointer dy, FloatPointer dweight, long count, long vocabulary, long columns, bool accumulate)
    : IKernel, IParallelBody
{
    // Columns of a strip: 512 bytes, enough to stream well; few enough that a table of 384 columns still feeds three threads.
    private const long StripColumns = 128;

    /// <inheritdoc/>
    public DType DType => dy.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(ids);
        arguments.Add(idType);
        arguments.Add(dy);
        arguments.Add(dweight);
        arguments.Add(count);
        arguments.Add(vocabulary);
        arguments.Add(columns);
        arguments.Add(accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(
        0, ((double)count * columns * (dy.ElementBytes + (2 * dweight.ElementBytes))) + (accumulate ? 0 : (double)vocabulary * columns * dweight.ElementBytes));

    public void Run(WorkerPool workers)
    {
        if (!accumulate)
        {
            var clear = new ClearBody((byte*)dweight.Data, dweight.ElementBytes, vocabulary * columns);
            workers.For(FlatTasks.Count(vocabulary * columns), ref clear);
        }

        var body = this;
        workers.For((columns + StripColumns - 1) / StripColumns, ref body);
    }

    public void Run(long index, int worker)
    {
        var first = index * StripColumns;
        var width = Math.Min(StripColumns, columns - first);
        if (Lanes16.IsSupported)
            Strip<Lanes16>(first, width);
        else if (Lanes8.IsSupported)
            Strip<Lanes8>(first, width);
        else if (Lanes4.IsSupported)
            Strip<Lanes4>(first, width);
        else
            Strip<Lanes1>(first, width);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Strip<T>(long first, long width)
        where T : struct, ILanes<T>
    {
        var tiles = stackalloc float[2 * (int)StripColumns];
        for (long i = 0; i < count; i++)
        {
            var source = dy.At((i * columns) + first).Read(width, tiles);
            var row = dweight.At((EmbeddingIds.Read(ids, idType, i) * columns) + first);
            var target = row.Read(width, tiles + StripColumns);
            long c = 0;
            for (; c <= width - T.Count; c += T.Count)
                T.Store(T.Load(target + c) + T.Load(source + c), target + c);
            for (; c < width; c++)
                target[c] += source[c];
            row.Write(target, width);
        }
    }

    private readonly struct ClearBody(byte* target, int elementBytes, long count) : IParallelBody
    {
        public void Run(long index, int worker)
        {
            var (start, length) = FlatTasks.Part(index, count);
            new Span<byte>(target + (start * elementBytes), (int)length * elementBytes).Clear();
        }
    }
}
