using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = x rstd gamma, with rstd = 1 / sqrt(mean(x^2) + epsilon) over each row.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma [columns]; rstd [rows] is an output for backward, or null.
/// Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.</remarks>
internal readonly unsafe struct RmsNormForwardKernel(
    float* x, float* gamma, float* y, float* rstd, long rows, long columns, float epsilon)
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
            var r = 1 / MathF.Sqrt((NormRows.SumOfSquares<T>(input, 0, columns) / columns) + epsilon);
            if (rstd != null)
                rstd[row] = r;
            var scale = T.Splat(r);
            long c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(Normalise<T>(
                    T.Load(input + c), scale, T.Load(gamma + c)), output + c);
            if (c < columns)
            {
                var n = columns - c;
                PartialLanes.Store<T>(output + c, Normalise<T>(
                    PartialLanes.Load<T>(input + c, n), scale, PartialLanes.Load<T>(gamma + c, n)), n);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Normalise<T>(T x, T rstd, T gamma)
        where T : struct, ILanes<T> =>
        (x * rstd) * gamma;
}
