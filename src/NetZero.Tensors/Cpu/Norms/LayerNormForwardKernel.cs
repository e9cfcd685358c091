using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = (x - mean) rstd gamma + beta, with mean and rstd = 1 / sqrt(var + epsilon) over each row; var is the biased variance.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma, beta [columns]; mean, rstd [rows] are outputs, saved for backward.
/// Ba, Kiros, Hinton, "Layer Normalization" (2016), section 3.</remarks>
internal readonly unsafe struct LayerNormForwardKernel(
    float* x, float* gamma, float* beta, float* y, float* mean, float* rstd, long rows, long columns, float epsilon)
    : IKernel, IParallelBody
{
    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((rows + NormRows.RowsPerForwardTask - 1) / NormRows.RowsPerForwardTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var first = index * NormRows.RowsPerForwardTask;
        var last = Math.Min(rows, first + NormRows.RowsPerForwardTask);
        if (Lanes512.IsSupported)
            Rows<Lanes512, Vector512<float>>(first, last);
        else if (Lanes256.IsSupported)
            Rows<Lanes256, Vector256<float>>(first, last);
        else
            Rows<Lanes128, Vector128<float>>(first, last);
    }

    private void Rows<TLanes, TVector>(long first, long last)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        for (var row = first; row < last; row++)
        {
            var input = x + (row * columns);
            var output = y + (row * columns);
            // Two passes: the one-pass formula E[x^2] - E[x]^2 cancels when the mean is large.
            var m = NormRows.Sum<TLanes, TVector>(input, columns) / columns;
            var r = 1 / MathF.Sqrt((NormRows.SumOfSquares<TLanes, TVector>(input, m, columns) / columns) + epsilon);
            mean[row] = m;
            rstd[row] = r;
            var center = TLanes.Create(m);
            var scale = TLanes.Create(r);
            long c = 0;
            for (; c <= columns - TLanes.Count; c += TLanes.Count)
                TLanes.Store(output + c, Normalise<TLanes, TVector>(
                    TLanes.Load(input + c), center, scale, TLanes.Load(gamma + c), TLanes.Load(beta + c)));
            if (c < columns)
            {
                var n = columns - c;
                Lanes.StorePartial<TLanes, TVector>(output + c, Normalise<TLanes, TVector>(
                    Lanes.LoadPartial<TLanes, TVector>(input + c, n), center, scale,
                    Lanes.LoadPartial<TLanes, TVector>(gamma + c, n), Lanes.LoadPartial<TLanes, TVector>(beta + c, n)), n);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Normalise<TLanes, TVector>(TVector x, TVector mean, TVector rstd, TVector gamma, TVector beta)
        where TLanes : ILanes<TVector>
        where TVector : struct =>
        TLanes.MultiplyAdd(TLanes.Multiply(TLanes.Subtract(x, mean), rstd), gamma, beta);
}
