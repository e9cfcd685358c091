using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>result = a sum or maximum over what result was and all x[i], in double precision: for gradient norms.</summary>
/// <remarks>
/// What is combined (squares and absolute values of floats) is exact in double, and sums are taken in eight fixed strands per block of <see cref="Block"/> elements, then over
/// blocks in order, then over tasks in order: the bits depend on the values and the length only, not even on the vector width. A slice
/// that starts on a multiple of the block has the same block sums as the whole.
/// </remarks>
internal readonly unsafe struct HostReductionKernel<TRule>(FloatPointer x, long count, double* scratch, double* result) : IKernel, IParallelBody
    where TRule : struct, IHostReductionRule
{
    /// <summary>Shard boundaries are multiples of it.</summary>
    public const int Block = 256;

    private const long ElementsPerTask = 64 * Block;
    private const int Strands = 8;

    /// <summary>Scratch memory: one double for each task.</summary>
    public static long WorkspaceBytes(long count) => TaskCount(count) * sizeof(double);

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(count);
        arguments.Add(scratch);
        arguments.Add(result);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(count, x.ElementBytes);

    public void Run(WorkerPool workers)
    {
        var body = this;
        var tasks = TaskCount(count);
        workers.For(tasks, ref body);
        double total = 0;
        for (long i = 0; i < tasks; i++)
            total = TRule.Combine(total, scratch[i]);
        *result = TRule.Combine(*result, total);
    }

    // The tile is written before it is read.
    [SkipLocalsInit]
    public void Run(long index, int worker)
    {
        var tile = stackalloc float[Block];
        double total = 0;
        var end = Math.Min(count, (index + 1) * ElementsPerTask);
        for (var i = index * ElementsPerTask; i < end; i += Block)
        {
            var n = (int)Math.Min(Block, end - i);
            total = TRule.Combine(total, OneBlock(x.At(i).Read(n, tile), n));
        }

        scratch[index] = total;
    }

    private static long TaskCount(long count) => (count + ElementsPerTask - 1) / ElementsPerTask;

    /// <summary>One block, in strands.</summary>
    public static double OneBlock(float* x, int count)
    {
        var strands = stackalloc double[Strands];
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<double> low = default, high = default;
            for (; i + Strands <= count; i += Strands)
            {
                var (a, b) = Vector256.Widen(Vector256.Load(x + i));
                low = TRule.Add(low, a);
                high = TRule.Add(high, b);
            }

            low.Store(strands);
            high.Store(strands + 4);
        }

        for (; i < count; i++)
            strands[i % Strands] = TRule.Add(strands[i % Strands], x[i]);
        return TRule.Combine(
            TRule.Combine(TRule.Combine(strands[0], strands[4]), TRule.Combine(strands[2], strands[6])),
            TRule.Combine(TRule.Combine(strands[1], strands[5]), TRule.Combine(strands[3], strands[7])));
    }
}

/// <summary>What a <see cref="HostReductionKernel{TRule}"/> combines. Totals start at 0.</summary>
internal interface IHostReductionRule
{
    /// <summary>A total with one more element.</summary>
    static abstract double Add(double total, double x);

    /// <summary>The same, lane by lane.</summary>
    static abstract Vector256<double> Add(Vector256<double> total, Vector256<double> x);

    /// <summary>Two totals.</summary>
    static abstract double Combine(double a, double b);
}

/// <summary>Σ x².</summary>
internal readonly struct SumOfSquaresRule : IHostReductionRule
{
    public static double Add(double total, double x) => total + (x * x);

    public static Vector256<double> Add(Vector256<double> total, Vector256<double> x) => total + (x * x);

    public static double Combine(double a, double b) => a + b;
}

/// <summary>Σ |x|.</summary>
internal readonly struct SumOfMagnitudesRule : IHostReductionRule
{
    public static double Add(double total, double x) => total + Math.Abs(x);

    public static Vector256<double> Add(Vector256<double> total, Vector256<double> x) => total + Vector256.Abs(x);

    public static double Combine(double a, double b) => a + b;
}

/// <summary>max |x|; NaN when any x is.</summary>
internal readonly struct LargestMagnitudeRule : IHostReductionRule
{
    public static double Add(double total, double x) => Math.Max(total, Math.Abs(x));

    public static Vector256<double> Add(Vector256<double> total, Vector256<double> x) => Vector256.Max(total, Vector256.Abs(x));

    public static double Combine(double a, double b) => Math.Max(a, b);
}
