using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NetZero.Tensors.Cpu;

/// <summary>dlogits = (exp(logits - max - logSum) - onehot(target)) dloss / count; zero for rows with the ignored target.</summary>
/// <remarks>
/// logits, dlogits [rows, vocabulary] contiguous, and may be the same memory; maxima and logSums [rows] from the forward pass; dloss [1] is read when the
/// kernel runs. Targets were checked by the forward pass.
/// </remarks>
internal readonly unsafe struct CrossEntropyBackwardKernel(
    FloatPointer logits, void* targets, DType targetType, float* maxima, float* logSums, float* dloss, FloatPointer dlogits, long rows,
    long vocabulary, long ignoreIndex)
    : IKernel
{
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
        arguments.Add(dloss);
        arguments.Add(dlogits);
        arguments.Add(rows);
        arguments.Add(vocabulary);
        arguments.Add(ignoreIndex);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(rows * vocabulary, logits.ElementBytes + dlogits.ElementBytes);

    public void Run(WorkerPool workers)
    {
        var count = CrossEntropyRows.Count(targets, targetType, rows, ignoreIndex);
        var body = new Body(logits, targets, targetType, maxima, logSums, dlogits, rows, vocabulary, ignoreIndex, *dloss / count);
        workers.For(CrossEntropyRows.Tasks(rows, vocabulary), ref body);
    }

    private readonly struct Body(
        FloatPointer logits, void* targets, DType targetType, float* maxima, float* logSums, FloatPointer dlogits, long rows, long vocabulary,
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
                    NativeMemory.Clear(dlogits.At(row * vocabulary).Data, (nuint)(vocabulary * dlogits.ElementBytes));
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

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Row<T>(long row, long target)
            where T : struct, ILanes<T>
        {
            var tile = stackalloc float[CrossEntropyRows.Block];
            var source = logits.At(row * vocabulary);
            var result = dlogits.At(row * vocabulary);
            // Read first: logits and dlogits may be the same memory. The difference is taken before scaling, as p is near 1 when learned.
            var atTarget = (VectorMath.Exp(source.Get(target) - maxima[row] - logSums[row]) - 1) * scale;
            for (long first = 0; first < vocabulary; first += CrossEntropyRows.Block)
            {
                var count = Math.Min(CrossEntropyRows.Block, vocabulary - first);
                var to = result.At(first);
                var block = to.Target(tile);
                Probabilities<T>(source.At(first).Read(count, tile), block, count, maxima[row], logSums[row], scale);
                to.Write(block, count);
            }

            result.Set(target, atTarget);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Probabilities<T>(float* source, float* result, long count, float rowMaximum, float rowLogSum, float scale)
            where T : struct, ILanes<T>
        {
            var maximum = T.Splat(rowMaximum);
            var logSum = T.Splat(rowLogSum);
            var factor = T.Splat(scale);
            long j = 0;
            for (; j <= count - T.Count; j += T.Count)
                T.Store(VectorMath.Exp((T.Load(source + j) - maximum) - logSum) * factor, result + j);
            if (j < count)
            {
                var tail = PartialLanes.Load<T>(source + j, count - j);
                PartialLanes.Store(result + j, VectorMath.Exp((tail - maximum) - logSum) * factor, count - j);
            }
        }
    }
}
