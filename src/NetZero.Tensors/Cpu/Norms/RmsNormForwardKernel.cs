using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = x rstd gamma, with rstd = 1 / sqrt(mean(x^2) + epsilon) over each row.
/// </summary>
/// <remarks>x, y [rows, columns] contiguous, gamma [columns]; rstd [rows] is an output for backward, or null.
/// Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.</remarks>
internal readonly unsafe struct RmsNormForwardKernel(
    FloatPointer x, FloatPointer gamma, FloatPointer y, float* rstd, long rows, long columns, float epsilon, float* scratch = null)
    : IKernel, IParallelBody
{
    /// <summary>Scratch where an operand is 16-bit: gamma as floats, and a row for each worker; see <see cref="NormRows.TileBytes"/>.</summary>
    public const int SharedTiles = 1;

    /// <summary>Rows of scratch for each worker.</summary>
    public const int WorkerTiles = 1;

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(gamma);
        arguments.Add(y);
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
        var body = new RmsNormForwardKernel(x, gamma.Read(columns, scratch), y, rstd, rows, columns, epsilon, scratch + (SharedTiles * columns));
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
        for (var row = first; row < last; row++)
        {
            var input = x.At(row * columns).Read(columns, tile);
            var target = y.At(row * columns);
            var output = target.Target(tile);
            var r = 1 / MathF.Sqrt((NormRows.SumOfSquares<T>(input, 0, columns) / columns) + epsilon);
            if (rstd != null)
                rstd[row] = r;
            var scale = T.Splat(r);
            long c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(Normalise<T>(
                    T.Load(input + c), scale, T.Load(weight + c)), output + c);
            if (c < columns)
            {
                var n = columns - c;
                PartialLanes.Store<T>(output + c, Normalise<T>(
                    PartialLanes.Load<T>(input + c, n), scale, PartialLanes.Load<T>(weight + c, n)), n);
            }

            target.Write(output, columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Normalise<T>(T x, T rstd, T gamma)
        where T : struct, ILanes<T> =>
        (x * rstd) * gamma;
}
