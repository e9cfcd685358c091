using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// Replaces means of squares of a matrix's rows and columns by factors: 1 / √(row_i / mean of rows) and 1 / √column_j, whose product is 1 /
/// √v_ij for the second moment v = row columnᵀ / mean of rows that Adafactor reconstructs.
/// </summary>
/// <remarks>
/// In double precision, rounded once. A factor is at most <see cref="Largest"/>, so that a product of two is finite: a gradient of 0 then
/// makes a step of 0 whatever the others are.
/// </remarks>
/// <param name="rows">Means of rows; null where there are columns only, with a factor of 1 for rows.</param>
/// <param name="rowCount">How many.</param>
/// <param name="columns">Means of columns.</param>
/// <param name="columnCount">How many.</param>
public readonly unsafe struct AdafactorFactorsKernel(float* rows, long rowCount, float* columns, long columnCount) : IKernel
{
    private const double Largest = 1e19;

    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(rows);
        arguments.Add(rowCount);
        arguments.Add(columns);
        arguments.Add(columnCount);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass((3 * (rows == null ? 0 : rowCount)) + (2 * columnCount));

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        Invert(columns, columnCount, 1);
        if (rows == null)
            return;
        double sum = 0;
        for (long i = 0; i < rowCount; i++)
            sum += rows[i];
        Invert(rows, rowCount, sum / rowCount);
    }

    // NaN passes, so that a broken step shows.
    private static void Invert(float* means, long count, double unit)
    {
        for (long i = 0; i < count; i++)
            means[i] = (float)Math.Min(Largest, 1 / Math.Sqrt(means[i] / unit));
    }
}

/// <summary>
/// One Adafactor update of a parameter's stretch, with u = gradient * scale * factor: p = p (1 - rate wd) - rate u / d, where d = max(1,
/// RMS(u) / threshold).
/// </summary>
/// <remarks>Shazeer and Stern 2018, algorithm 4, with the order of operations of Hugging Face's <c>Adafactor</c>.</remarks>
/// <param name="stretch">What is updated.</param>
/// <param name="factors">A factor for each element, 1 / √ of its second moment.</param>
/// <param name="weightDecay">Weight decay.</param>
/// <param name="rate">The rate of the whole parameter.</param>
public readonly struct AdafactorKernel(FlatStretch stretch, FlatState factors, double weightDecay, AdafactorRate rate) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        factors.Describe(ref arguments);
        arguments.Add(weightDecay);
        rate.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(factors, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<AdafactorRule>(
        stretch, factors, FlatState.None, new AdafactorRule(rate.Absolute * weightDecay, rate.Step)).Run(workers);
}

/// <summary>The same with momentum: m = b1 m + (1 - b1) rate u / d; p = p (1 - rate wd) - m.</summary>
/// <param name="stretch">What is updated.</param>
/// <param name="factors">A factor for each element, 1 / √ of its second moment.</param>
/// <param name="momentum">The running mean of the steps, updated; zero before the first.</param>
/// <param name="beta1">How much of it stays.</param>
/// <param name="weightDecay">Weight decay.</param>
/// <param name="rate">The rate of the whole parameter.</param>
public readonly struct AdafactorMomentumKernel(
    FlatStretch stretch, FlatState factors, FlatState momentum, double beta1, double weightDecay, AdafactorRate rate) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        factors.Describe(ref arguments);
        momentum.Describe(ref arguments);
        arguments.Add(beta1);
        arguments.Add(weightDecay);
        rate.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(factors, momentum);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<AdafactorMomentumRule>(
        stretch, factors, momentum, new AdafactorMomentumRule(rate.Absolute * weightDecay, rate.Step, beta1)).Run(workers);
}

/// <summary>
/// Adafactor's rate for one parameter of n elements: the learning rate, times max(eps, RMS(p)) where it is in proportion to the parameter;
/// and what the limit on RMS(u) makes of it.
/// </summary>
/// <param name="learningRate">The learning rate.</param>
/// <param name="scalesParameter">Whether it is in proportion to the parameter.</param>
/// <param name="minimumScale">The least that the parameter counts for.</param>
/// <param name="clipThreshold">The largest RMS(u).</param>
/// <param name="elements">n, of the whole parameter.</param>
/// <param name="squares">Σp² and Σu² of the whole parameter, read when the kernel runs.</param>
public readonly unsafe struct AdafactorRate(
    double learningRate, bool scalesParameter, double minimumScale, double clipThreshold, long elements, DeviceNumbers squares)
{
    private readonly double* _squares = squares.Pointer;

    internal void Describe(ref KernelArguments arguments)
    {
        arguments.Add(learningRate);
        arguments.Add(scalesParameter);
        arguments.Add(minimumScale);
        arguments.Add(clipThreshold);
        arguments.Add(elements);
        arguments.Add(_squares);
    }

    // NaN passes through both, so that a broken step shows.
    internal double Absolute => learningRate * (scalesParameter ? Math.Max(minimumScale, Math.Sqrt(_squares[0] / elements)) : 1);

    internal double Step => Absolute / Math.Max(1, Math.Sqrt(_squares[1] / elements) / clipThreshold);
}

/// <summary>Adafactor on a vector of elements.</summary>
internal readonly struct AdafactorRule(double shrink, double step) : IUpdateRule
{
    private readonly float _decay = (float)(1 - shrink);
    private readonly float _minusStep = (float)-step;

    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T factor, ref T second)
        where T : struct, ILanes<T> =>
        p = T.MultiplyAdd(T.Splat(_minusStep), g * factor, p * T.Splat(_decay));
}

/// <summary>Adafactor with momentum on a vector of elements.</summary>
internal readonly struct AdafactorMomentumRule(double shrink, double step, double beta1) : IUpdateRule
{
    private readonly float _decay = (float)(1 - shrink);
    private readonly float _beta1 = (float)beta1;
    private readonly float _step = (float)((1 - beta1) * step);

    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T factor, ref T m)
        where T : struct, ILanes<T>
    {
        m = T.MultiplyAdd(T.Splat(_beta1), m, T.Splat(_step) * (g * factor));
        p = (p * T.Splat(_decay)) - m;
    }
}

/// <summary>A gradient times its factor as a direction.</summary>
internal readonly struct FactoredDirection : IDirection
{
    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of<T>(T p, T g, T factor, T second)
        where T : struct, ILanes<T> =>
        g * factor;
}
