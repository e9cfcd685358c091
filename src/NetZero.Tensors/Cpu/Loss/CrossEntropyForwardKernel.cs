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
    float* logits, void* targets, DType targetType, float* maxima, float* logSums, float* loss, double* rowLosses, long rows,
    long vocabulary, long ignoreIndex) : IKernel, IParallelBody
{
    public static long WorkspaceBytes(long rows) => rows * sizeof(double);

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(rows * vocabulary);

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
            var source = logits + (row * vocabulary);
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
                rowLosses[row] = logSum - ((double)source[EmbeddingIds.At("CrossEntropy", targets, targetType, row, vocabulary)] - maximum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float Maximum, double LogSum) Normalisers<T>(float* source)
        where T : struct, ILanes<T>
    {
        var largest = T.Splat(float.NegativeInfinity);
        long j = 0;
        for (; j <= vocabulary - T.Count; j += T.Count)
            largest = T.MaxNative(largest, T.Load(source + j));
        if (j < vocabulary)
            largest = T.MaxNative(largest, PartialLanes.Load<T>(source + j, vocabulary - j, float.NegativeInfinity));
        var maximum = T.MaxNativeAcross(largest);
        var shift = T.Splat(maximum);
        var total = 0.0;
        // Floats within a block, doubles between blocks: a vocabulary of 50,000 would cost a plain float sum three digits.
        const long block = 2048;
        for (long first = 0; first < vocabulary; first += block)
        {
            var end = Math.Min(vocabulary, first + block);
            var sum = T.Splat(0);
            for (j = first; j <= end - T.Count; j += T.Count)
                sum += VectorMath.Exp(T.Load(source + j) - shift);
            if (j < end)
                sum += VectorMath.Exp(PartialLanes.Load<T>(source + j, end - j, float.NegativeInfinity) - shift);
            total += T.Sum(sum);
        }

        return (maximum, Math.Log(total));
    }
}
