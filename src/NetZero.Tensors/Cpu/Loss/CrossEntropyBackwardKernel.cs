using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>dlogits = (exp(logits - max - logSum) - onehot(target)) dloss / count; zero for rows with the ignored target.</summary>
/// <remarks>
/// logits, dlogits [rows, vocabulary] contiguous, and may be the same memory; maxima and logSums [rows] from the forward pass; dloss [1] is read when the
/// kernel runs. Targets were checked by the forward pass.
/// </remarks>
internal readonly unsafe struct CrossEntropyBackwardKernel(
    float* logits, void* targets, DType targetType, float* maxima, float* logSums, float* dloss, float* dlogits, long rows,
    long vocabulary, long ignoreIndex)
    : IKernel
{
    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(2 * rows * vocabulary);

    public void Run(WorkerPool workers)
    {
        var count = CrossEntropyRows.Count(targets, targetType, rows, ignoreIndex);
        var body = new Body(logits, targets, targetType, maxima, logSums, dlogits, rows, vocabulary, ignoreIndex, *dloss / count);
        workers.For(CrossEntropyRows.Tasks(rows, vocabulary), ref body);
    }

    private readonly struct Body(
        float* logits, void* targets, DType targetType, float* maxima, float* logSums, float* dlogits, long rows, long vocabulary,
        long ignoreIndex, float scale)
        : IParallelBody
    {
        public void Run(long index, int worker)
        {
            var (first, last) = CrossEntropyRows.Task(index, rows, vocabulary);
            for (var row = first; row < last; row++)
            {
                var target = EmbeddingIds.Read(targets, targetType, row);
                if (target == ignoreIndex)
                    new Span<float>(dlogits + (row * vocabulary), checked((int)vocabulary)).Clear();
                else if (Lanes16.IsSupported)
                    Row<Lanes16>(row, target);
                else if (Lanes8.IsSupported)
                    Row<Lanes8>(row, target);
                else if (Lanes4.IsSupported)
                    Row<Lanes4>(row, target);
                else
                    Row<Lanes1>(row, target);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Row<T>(long row, long target)
            where T : struct, ILanes<T>
        {
            var source = logits + (row * vocabulary);
            var result = dlogits + (row * vocabulary);
            var maximum = T.Splat(maxima[row]);
            var logSum = T.Splat(logSums[row]);
            var factor = T.Splat(scale);
            // Read first: logits and dlogits may be the same memory. The difference is taken before scaling, as p is near 1 when learned.
            var atTarget = (VectorMath.Exp(source[target] - maxima[row] - logSums[row]) - 1) * scale;
            long j = 0;
            for (; j <= vocabulary - T.Count; j += T.Count)
                T.Store(VectorMath.Exp((T.Load(source + j) - maximum) - logSum) * factor, result + j);
            if (j < vocabulary)
            {
                var tail = PartialLanes.Load<T>(source + j, vocabulary - j);
                PartialLanes.Store(result + j, VectorMath.Exp((tail - maximum) - logSum) * factor, vocabulary - j);
            }

            result[target] = atTarget;
        }
    }
}
