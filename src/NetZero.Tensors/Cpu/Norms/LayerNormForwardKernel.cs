using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = (x - mean) rstd gamma + beta, with mean and rstd = 1 / sqrt(var + epsilon) over each row; var is the biased variance.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma, beta [columns]; mean, rstd [rows] are outputs for backward, or null.
/// Ba, Kiros, Hinton, "Layer Normalization" (2016), section 3.</remarks>
internal readonly unsafe struct LayerNormForwardKernel(
    FloatPointer x, FloatPointer gamma, FloatPointer beta, FloatPointer y, float* mean, float* rstd, long rows, long columns, float epsilon,
    float* scratch = null)
    : IKernel, IParallelBody
{
    /// <summary>Scratch where an operand is 16-bit: gamma and beta as floats, and a row for each worker; see <see cref="NormRows.TileBytes"/>.</summary>
    public const int SharedTiles = 2;

    /// <summary>Rows of scratch for each worker.</summary>
    public const int WorkerTiles = 1;

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(gamma);
        arguments.Add(beta);
        arguments.Add(y);
        arguments.Add(mean);
        arguments.Add(rstd);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(epsilon);
        arguments.Add(scratch);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(rows * columns, x.ElementBytes + y.ElementBytes);

    public void Run(WorkerPool workers)
    {
        var body = new LayerNormForwardKernel(
            x, gamma.Read(columns, scratch), beta.Read(columns, scratch + columns), y, mean, rstd, rows, columns, epsilon, scratch + (SharedTiles * columns));
        workers.For((rows + NormRows.RowsPerForwardTask - 1) / NormRows.RowsPerForwardTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var first = index * NormRows.RowsPerForwardTask;
        var last = Math.Min(rows, first + NormRows.RowsPerForwardTask);
        if (Lanes16.IsSupported)
            Rows<Lanes16>(first, last, worker);
        else if (Lanes8.IsSupported)
            Rows<Lanes8>(first, last, worker);
        else if (Lanes4.IsSupported)
            Rows<Lanes4>(first, last, worker);
        else
            Rows<Lanes1>(first, last, worker);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows<T>(long first, long last, int worker)
        where T : struct, ILanes<T>
    {
        var tile = scratch + (worker * WorkerTiles * columns);
        var weight = gamma.Floats;
        var shift = beta.Floats;
        for (var row = first; row < last; row++)
        {
            var input = x.At(row * columns).Read(columns, tile);
            var target = y.At(row * columns);
            var output = target.Target(tile);
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
                    T.Load(input + c), center, scale, T.Load(weight + c), T.Load(shift + c)), output + c);
            if (c < columns)
            {
                var n = columns - c;
                PartialLanes.Store<T>(output + c, Normalise<T>(
                    PartialLanes.Load<T>(input + c, n), center, scale,
                    PartialLanes.Load<T>(weight + c, n), PartialLanes.Load<T>(shift + c, n)), n);
            }

            target.Write(output, columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Normalise<T>(T x, T mean, T rstd, T gamma, T beta)
        where T : struct, ILanes<T> =>
        T.MultiplyAdd((x - mean) * rstd, gamma, beta);
}
