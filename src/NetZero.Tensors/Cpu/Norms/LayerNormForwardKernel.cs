using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = (x - mean) rstd gamma + beta, with mean and rstd = 1 / sqrt(var + epsilon) over each row; var is the biased variance.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma, beta [columns]; mean, rstd [rows] are outputs for backward, or null.
/// Ba, Kiros, Hinton, "Layer Normalization" (2016), section 3.</remarks>
internal readonly unsafe struct LayerNormForwardKernel(
    float* x, float* gamma, float* beta, float* y, float* mean, float* rstd, long rows, long columns, float epsilon)
    : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(2 * rows * columns);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((rows + NormRows.RowsPerForwardTask - 1) / NormRows.RowsPerForwardTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var first = index * NormRows.RowsPerForwardTask;
        var last = Math.Min(rows, first + NormRows.RowsPerForwardTask);
        if (Lanes16.IsSupported)
            Rows<Lanes16>(first, last);
        else if (Lanes8.IsSupported)
            Rows<Lanes8>(first, last);
        else if (Lanes4.IsSupported)
            Rows<Lanes4>(first, last);
        else
            Rows<Lanes1>(first, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows<T>(long first, long last)
        where T : struct, ILanes<T>
    {
        for (var row = first; row < last; row++)
        {
            var input = x + (row * columns);
            var output = y + (row * columns);
            // Two passes: the one-pass formula E[x^2] - E[x]^2 cancels when the mean is large.
            var m = NormRows.Sum<T>(input, columns) / columns;
            var r = 1 / MathF.Sqrt((NormRows.SumOfSquares<T>(input, m, columns) / columns) + epsilon);
            if (rstd != null)
                (mean[row], rstd[row]) = (m, r);
            var center = T.Splat(m);
            var scale = T.Splat(r);
            long c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(Normalise<T>(
                    T.Load(input + c), center, scale, T.Load(gamma + c), T.Load(beta + c)), output + c);
            if (c < columns)
            {
                var n = columns - c;
                PartialLanes.Store<T>(output + c, Normalise<T>(
                    PartialLanes.Load<T>(input + c, n), center, scale,
                    PartialLanes.Load<T>(gamma + c, n), PartialLanes.Load<T>(beta + c, n)), n);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Normalise<T>(T x, T mean, T rstd, T gamma, T beta)
        where T : struct, ILanes<T> =>
        T.MultiplyAdd((x - mean) * rstd, gamma, beta);
}
