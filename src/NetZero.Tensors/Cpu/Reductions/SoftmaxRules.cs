using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = e^(x - max).</summary>
internal readonly struct ExpOfDifferenceRule(float max) : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        VectorMath.Exp(x - T.Splat(max));

    public double Reference(double x) => Math.Exp(x - max);
}

/// <summary>y = (x - max) - ln Σ: in this order, so that a large maximum does not drown the logarithm.</summary>
internal readonly struct LogSoftmaxRule(float max, float logSum) : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        (x - T.Splat(max)) - T.Splat(logSum);

    public double Reference(double x) => x - max - logSum;
}

/// <summary>dx = y·(dy - dot), dot = Σ y·dy of the row.</summary>
internal readonly struct SoftmaxBackwardRule(float dot) : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        y * (dy - T.Splat(dot));

    public double Reference(double y, double dy) => y * (dy - dot);
}

/// <summary>dx = dy - e^y·sum, sum = Σ dy of the row.</summary>
internal readonly struct LogSoftmaxBackwardRule(float sum) : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        T.MultiplyAdd(VectorMath.Exp(y), T.Splat(-sum), dy);

    public double Reference(double y, double dy) => dy - (Math.Exp(y) * sum);
}
