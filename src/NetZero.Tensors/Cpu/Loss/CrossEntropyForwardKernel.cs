using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// loss = mean over rows of log(sum of exp(logits - max)) - (logits[target] - max), max over the row; rows with the ignored target do not count.
/// </summary>
/// <remarks>
/// logits [rows, vocabulary] contiguous; targets [rows] I32 or I64; maxima [rows], logSums [rows] (the logarithm above) and
/// loss [1] are outputs. The maximum and the logarithm are kept apart: added up, large logits would swallow the logarithm. rowLosses [rows] is scratch in double
/// precision, added up in the order of the rows. With no row that counts the loss is not a number, as the mean of nothing is.
/// </remarks>
internal readonly unsafe struct CrossEntropyForwardKernel(
    FloatPointer logits, void* targets, DType targetType, float* maxima, float* logSums, float* loss, double* rowLosses, long rows,
    long vocabulary, long ignoreIndex) : IKernel, IParallelBody
{
    public static long WorkspaceBytes(long rows) => rows * sizeof(double);

    /// <inheritdoc/>
    public DType DType => logits.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(logits);
        arguments.Add(targets);
        arguments.Add(targetType);
        arguments.Add(maxima);
        arguments.Add(logSums);
        arguments.Add(loss);
        arguments.Add(rowLosses);
        arguments.Add(rows);
        arguments.Add(vocabulary);
        arguments.Add(ignoreIndex);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(rows * vocabulary, logits.ElementBytes);

    /// <exception cref="ArgumentException">A target that is neither ignored nor in [0, vocabulary).</exception>
    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(CrossEntropyRows.Tasks(rows, vocabulary), ref body);
        var sum = 0.0;
        for (long row = 0; row < rows; row++)
            sum += rowLosses[row];
        *loss = (float)(sum / CrossEntropyRows.Count(targets, targetType, rows, ignoreIndex));
    }

    public void Run(long index, int worker)
    {
        var (first, last) = CrossEntropyRows.Task(index, rows, vocabulary);
        for (var row = first; row < last; row++)
        {
            var source = logits.At(row * vocabulary);
            var (maximum, logSum) = Lanes16.IsSupported ? Normalisers<Lanes16>(source)
                : Lanes8.IsSupported ? Normalisers<Lanes8>(source)
                : Lanes4.IsSupported ? Normalisers<Lanes4>(source)
                : Normalisers<Lanes1>(source);
            maxima[row] = maximum;
            logSums[row] = (float)logSum;
            var target = EmbeddingIds.Read(targets, targetType, row);
            if (target == ignoreIndex)
                rowLosses[row] = 0;
            else
                rowLosses[row] = logSum - ((double)source.Get(EmbeddingIds.At("CrossEntropy", targets, targetType, row, vocabulary)) - maximum);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float Maximum, double LogSum) Normalisers<T>(FloatPointer source)
        where T : struct, ILanes<T>
    {
        var tile = stackalloc float[CrossEntropyRows.Block];
        var largest = T.Splat(float.NegativeInfinity);
        for (long first = 0; first < vocabulary; first += CrossEntropyRows.Block)
        {
            var count = Math.Min(CrossEntropyRows.Block, vocabulary - first);
            largest = Largest(largest, source.At(first).Read(count, tile), count);
        }

        var maximum = T.MaxNativeAcross(largest);
        var total = 0.0;
        // Floats within a block, doubles between blocks: a vocabulary of 50,000 would cost a plain float sum three digits.
        for (long first = 0; first < vocabulary; first += CrossEntropyRows.Block)
        {
            var count = Math.Min(CrossEntropyRows.Block, vocabulary - first);
            total += SumOfExponentials<T>(source.At(first).Read(count, tile), count, maximum);
        }

        return (maximum, Math.Log(total));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Largest<T>(T largest, float* block, long count)
        where T : struct, ILanes<T>
    {
        long j = 0;
        for (; j <= count - T.Count; j += T.Count)
            largest = T.MaxNative(largest, T.Load(block + j));
        if (j < count)
            largest = T.MaxNative(largest, PartialLanes.Load<T>(block + j, count - j, float.NegativeInfinity));
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SumOfExponentials<T>(float* block, long count, float maximum)
        where T : struct, ILanes<T>
    {
        var shift = T.Splat(maximum);
        var sum = T.Splat(0);
        long j = 0;
        for (; j <= count - T.Count; j += T.Count)
            sum += VectorMath.Exp(T.Load(block + j) - shift);
        if (j < count)
            sum += VectorMath.Exp(PartialLanes.Load<T>(block + j, count - j, float.NegativeInfinity) - shift);
        return T.Sum(sum);
    }
}
