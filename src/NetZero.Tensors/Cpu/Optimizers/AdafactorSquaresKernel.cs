using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors;

/// <summary>Where a stretch of a flat shard lies in its matrix.</summary>
/// <param name="First">The element of the matrix, in row-major order, that the stretch begins with.</param>
/// <param name="Rows">Rows of the whole matrix.</param>
/// <param name="Columns">Its columns.</param>
public readonly record struct MatrixPart(long First, long Rows, long Columns);

/// <summary>
/// What a stretch adds to the means that Adafactor keeps of a matrix [R, C], with g = gradient * scale: rows[i] = Σ_j (g_ij² + eps) / C and
/// columns[j] = Σ_i (g_ij² + eps) / R over the elements of the stretch. Added up over stretches that make the matrix whole, they are the
/// means of its rows and columns.
/// </summary>
/// <remarks>
/// Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018), algorithm 4. Squares of floats are exact in
/// double, sums are taken in double, of a row in eight fixed strands and of a column over fixed blocks of rows in their order, and each
/// mean is rounded once: the bits depend neither on threads nor on the vector width.
/// </remarks>
/// <param name="stretch">Gradients; values are not looked at.</param>
/// <param name="part">Where it lies.</param>
/// <param name="epsilon">Added to each square.</param>
/// <param name="rows">[R]: those of the stretch's rows are written; null where nobody wants them.</param>
/// <param name="columns">[C]: all are written.</param>
/// <param name="scratch">Memory of <see cref="WorkspaceBytes"/>.</param>
public readonly unsafe struct AdafactorSquaresKernel(
    FlatStretch stretch, MatrixPart part, double epsilon, float* rows, float* columns, double* scratch) : IKernel, IParallelBody
{
    private const int Strands = 8;

    // Gradients are read a tile at a time, widened where they are narrow.
    private const int Tile = 256;

    // Of a task some ten microseconds at least; and sums of columns of at most 2 MiB, for at most so many tasks.
    private const long TaskElements = 16384;
    private const long ScratchNumbers = 1 << 18;
    private const long MostTasks = 32;

    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        arguments.AddRule(part);
        arguments.Add(epsilon);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(scratch);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(stretch.Count);

    /// <summary>Scratch memory: for each task a double for each column.</summary>
    public static long WorkspaceBytes(MatrixPart part, long count) => count == 0 ? 0 : Tasks(part, count) * part.Columns * sizeof(double);

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        if (stretch.Count == 0)
            return;
        var body = this;
        var tasks = Tasks(part, stretch.Count);
        workers.For(tasks, ref body);

        // The first row may begin, and the last end, within the matrix's.
        var (touched, before) = (LastRow - FirstRow + 1, part.First % part.Columns);
        var behind = (part.First + stretch.Count - 1) % part.Columns;
        for (long column = 0; column < part.Columns; column++)
        {
            double sum = 0;
            for (long task = 0; task < tasks; task++)
                sum += scratch[(task * part.Columns) + column];
            var count = touched - (column < before ? 1 : 0) - (column > behind ? 1 : 0);
            columns[column] = (float)((sum + (count * epsilon)) / part.Rows);
        }
    }

    // The tile is written before it is read.
    [SkipLocalsInit]
    void IParallelBody.Run(long index, int worker)
    {
        var tile = stackalloc float[Tile];
        var strands = stackalloc double[Strands];
        var sums = scratch + (index * part.Columns);
        new Span<double>(sums, checked((int)part.Columns)).Clear();
        var perTask = RowsPerTask(part, stretch.Count);
        var scale = stretch.Scale;
        for (var row = FirstRow + (index * perTask); row < Math.Min(LastRow + 1, FirstRow + ((index + 1) * perTask)); row++)
        {
            var from = Math.Max(part.First, row * part.Columns);
            var to = Math.Min(part.First + stretch.Count, (row + 1) * part.Columns);
            new Span<double>(strands, Strands).Clear();
            for (var element = from; element < to; element += Tile)
            {
                var count = (int)Math.Min(Tile, to - element);
                var g = stretch.Gradients.At(stretch.Start + (element - part.First)).Read(count, tile);
                AddSquares(g, scale, count, sums + (element - (row * part.Columns)), strands);
            }

            if (rows != null)
                rows[row] = (float)((Sum(strands) + ((to - from) * epsilon)) / part.Columns);
        }
    }

    private long FirstRow => part.First / part.Columns;

    private long LastRow => (part.First + stretch.Count - 1) / part.Columns;

    private static long Tasks(MatrixPart part, long count)
    {
        var perTask = RowsPerTask(part, count);
        return (TouchedRows(part, count) + perTask - 1) / perTask;
    }

    // By the shape alone, not by the number of threads.
    private static long RowsPerTask(MatrixPart part, long count)
    {
        var most = Math.Clamp(ScratchNumbers / part.Columns, 1, MostTasks);
        var fair = (TouchedRows(part, count) + most - 1) / most;
        return Math.Max(fair, (TaskElements + part.Columns - 1) / part.Columns);
    }

    private static long TouchedRows(MatrixPart part, long count) =>
        ((part.First + count - 1) / part.Columns) - (part.First / part.Columns) + 1;

    // Element i of the row's part goes into strand i mod 8: tiles are multiples of that.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSquares(float* g, float scale, int count, double* columns, double* strands)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var scales = Vector256.Create(scale);
            var (low, high) = (Vector256.Load(strands), Vector256.Load(strands + 4));
            for (; i + Strands <= count; i += Strands)
            {
                var (a, b) = Vector256.Widen(Vector256.Load(g + i) * scales);
                (a, b) = (a * a, b * b);
                low += a;
                high += b;
                (Vector256.Load(columns + i) + a).Store(columns + i);
                (Vector256.Load(columns + i + 4) + b).Store(columns + i + 4);
            }

            low.Store(strands);
            high.Store(strands + 4);
        }

        for (; i < count; i++)
        {
            double x = g[i] * scale;
            strands[i % Strands] += x * x;
            columns[i] += x * x;
        }
    }

    private static double Sum(double* strands) =>
        ((strands[0] + strands[4]) + (strands[2] + strands[6])) + ((strands[1] + strands[5]) + (strands[3] + strands[7]));
}
