using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Moves an exponential moving average towards values: a += (1 - decay) (p - a).</summary>
/// <param name="average">The average as values, and what it follows as gradients.</param>
/// <param name="decay">How much of the average stays, below 1.</param>
public readonly struct AverageKernel(FlatStretch average, double decay) : IKernel
{
    /// <inheritdoc/>
    public DType DType => average.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        average.Describe(ref arguments);
        arguments.Add(decay);
    }

    /// <inheritdoc/>
    public KernelWork Work => average.Work(FlatState.None, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<AverageRule>(average, FlatState.None, FlatState.None, new AverageRule(decay)).Run(workers);
}

/// <summary>Exchanges two stretches of flat memory, bit for bit.</summary>
/// <param name="stretch">The one, as values; gradients are not looked at.</param>
/// <param name="other">The other, in fp32.</param>
public readonly struct ExchangeKernel(FlatStretch stretch, FlatState other) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        other.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(other, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<ExchangeRule>(stretch, other, FlatState.None, default).Run(workers);
}

/// <summary>An average on a vector of elements.</summary>
internal readonly struct AverageRule(double decay) : IUpdateRule
{
    private readonly float _rest = (float)(1 - decay);

    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T first, ref T second)
        where T : struct, ILanes<T> =>
        p = T.MultiplyAdd(T.Splat(_rest), g - p, p);
}

/// <summary>An exchange on a vector of elements.</summary>
internal readonly struct ExchangeRule : IUpdateRule
{
    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T first, ref T second)
        where T : struct, ILanes<T> =>
        (p, first) = (first, p);
}
