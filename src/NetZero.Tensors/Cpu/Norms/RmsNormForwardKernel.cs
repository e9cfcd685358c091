using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = x rstd gamma, with rstd = 1 / sqrt(mean(x^2) + epsilon) over each row.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma [columns]; rstd [rows] is an output, saved for backward.
/// Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.</remarks>
internal readonly unsafe struct RmsNormForwardKernel(
    float* x, float* gamma, float* y, float* rstd, long rows, long columns, float epsilon)
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
            var r = 1 / MathF.Sqrt((NormRows.SumOfSquares<TLanes, TVector>(input, 0, columns) / columns) + epsilon);
            rstd[row] = r;
            var scale = TLanes.Create(r);
            long c = 0;
            for (; c <= columns - TLanes.Count; c += TLanes.Count)
                TLanes.Store(output + c, Normalise<TLanes, TVector>(
                    TLanes.Load(input + c), scale, TLanes.Load(gamma + c)));
            if (c < columns)
            {
                var n = columns - c;
                Lanes.StorePartial<TLanes, TVector>(output + c, Normalise<TLanes, TVector>(
                    Lanes.LoadPartial<TLanes, TVector>(input + c, n), scale, Lanes.LoadPartial<TLanes, TVector>(gamma + c, n)), n);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Normalise<TLanes, TVector>(TVector x, TVector rstd, TVector gamma)
        where TLanes : ILanes<TVector>
        where TVector : struct =>
        TLanes.Multiply(TLanes.Multiply(x, rstd), gamma);
}
