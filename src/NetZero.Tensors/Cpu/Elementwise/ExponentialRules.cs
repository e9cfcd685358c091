using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = e^x. Backward: dx = dy·y.</summary>
internal readonly struct ExpRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        VectorMath.Exp(x);

    public double Reference(double x) => Math.Exp(x);
}

/// <summary>y = ln x.</summary>
internal readonly struct LogRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        VectorMath.Log(x);

    public double Reference(double x) => Math.Log(x);
}

/// <summary>y = ln x: dx = dy / x.</summary>
internal readonly struct LogBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T> =>
        dy / x;

    public double Reference(double x, double dy) => dy / x;
}

/// <summary>y = tanh x.</summary>
internal readonly struct TanhRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        VectorMath.Tanh(x);

    public double Reference(double x) => Math.Tanh(x);
}

/// <summary>y = tanh x: dx = dy·(1 - y²).</summary>
internal readonly struct TanhBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        dy * ((T.Splat(1f) - y) * (T.Splat(1f) + y));

    public double Reference(double y, double dy) => dy * (1 - (y * y));
}

/// <summary>y = 1 / (1 + e^-x).</summary>
internal readonly struct SigmoidRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        VectorMath.Sigmoid(x);

    public double Reference(double x) => 1 / (1 + Math.Exp(-x));
}

/// <summary>y = 1 / (1 + e^-x): dx = dy·y·(1 - y).</summary>
internal readonly struct SigmoidBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        dy * (y * (T.Splat(1f) - y));

    public double Reference(double y, double dy) => dy * y * (1 - y);
}
