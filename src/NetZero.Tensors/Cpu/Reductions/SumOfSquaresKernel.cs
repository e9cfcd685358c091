using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>result = Σ x[i]² in double precision, for gradient norms.</summary>
/// <remarks>
/// Squares of floats are exact in double, and sums are taken in eight fixed strands per block of <see cref="Block"/> elements, then over
/// blocks in order, then over tasks in order: the bits depend on the values and the length only, not even on the vector width. A slice
/// that starts on a multiple of the block has the same block sums as the whole.
/// </remarks>
internal readonly unsafe struct SumOfSquaresKernel(float* x, long count, double* result, double* scratch) : IKernel, IParallelBody
{
    /// <summary>Shard boundaries are multiples of it.</summary>
    public const int Block = 256;

    private const long ElementsPerTask = 64 * Block;
    private const int Strands = 8;

    /// <summary>Scratch memory: one double for each task.</summary>
    public static long WorkspaceBytes(long count) => TaskCount(count) * sizeof(double);

    public void Run(WorkerPool workers)
    {
        var body = this;
        var tasks = TaskCount(count);
        workers.For(tasks, ref body);
        double total = 0;
        for (long i = 0; i < tasks; i++)
            total += scratch[i];
        *result = total;
    }

    public void Run(long index, int worker)
    {
        double total = 0;
        var end = Math.Min(count, (index + 1) * ElementsPerTask);
        for (var i = index * ElementsPerTask; i < end; i += Block)
            total += OneBlock(x + i, (int)Math.Min(Block, end - i));
        scratch[index] = total;
    }

    private static long TaskCount(long count) => (count + ElementsPerTask - 1) / ElementsPerTask;

    private static double OneBlock(float* x, int count)
    {
        var strands = stackalloc double[Strands];
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<double> low = default, high = default;
            for (; i + Strands <= count; i += Strands)
            {
                var (a, b) = Vector256.Widen(Vector256.Load(x + i));
                low += a * a;
                high += b * b;
            }

            low.Store(strands);
            high.Store(strands + 4);
        }

        for (; i < count; i++)
            strands[i % Strands] += (double)x[i] * x[i];
        return ((strands[0] + strands[4]) + (strands[2] + strands[6])) + ((strands[1] + strands[5]) + (strands[3] + strands[7]));
    }
}
