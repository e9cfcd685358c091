using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = max(x, 0); NaN stays.</summary>
internal readonly struct ReluRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Select(x < T.Splat(0f), T.Splat(0f), x);

    public double Reference(double x) => x < 0 ? 0 : x;
}

/// <summary>y = max(x, 0): dx = dy where x &gt; 0, else 0.</summary>
internal readonly struct ReluBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T> =>
        T.Select(x > T.Splat(0f), dy, T.Splat(0f));

    public double Reference(double x, double dy) => x > 0 ? dy : 0;
}
