using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = x·σ(x), σ the logistic function.</summary>
internal readonly struct SiluRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        x * VectorMath.Sigmoid(x);

    public double Reference(double x) => x / (1 + Math.Exp(-x));
}

/// <summary>y = x·σ(x): dx = dy·(σ + x·σ·(1 - σ)).</summary>
internal readonly struct SiluBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T>
    {
        var s = VectorMath.Sigmoid(x, out var slope);
        return dy * T.MultiplyAdd(x, slope, s);
    }

    public double Reference(double x, double dy)
    {
        var s = 1 / (1 + Math.Exp(-x));
        return dy * (s + (x * s * (1 - s)));
    }
}
