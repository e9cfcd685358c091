using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = √x.</summary>
internal readonly struct SqrtRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Sqrt(x);

    public double Reference(double x) => Math.Sqrt(x);
}

/// <summary>y = √x: dx = dy / 2y.</summary>
internal readonly struct SqrtBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        T.Splat(0.5f) * dy / y;

    public double Reference(double y, double dy) => dy / (2 * y);
}

/// <summary>y = 1 / √x, rounded twice: no estimates, which differ between processors.</summary>
internal readonly struct RsqrtRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Splat(1f) / T.Sqrt(x);

    public double Reference(double x) => 1 / Math.Sqrt(x);
}

/// <summary>y = 1 / √x: dx = -y³·dy / 2.</summary>
internal readonly struct RsqrtBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        T.Splat(-0.5f) * dy * y * (y * y);

    public double Reference(double y, double dy) => -0.5 * dy * y * y * y;
}
