using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = a + b.</summary>
internal readonly struct AddRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T a, T b)
        where T : struct, ILanes<T> =>
        a + b;

    public double Reference(double a, double b) => a + b;
}

/// <summary>y = a - b.</summary>
internal readonly struct SubtractRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T a, T b)
        where T : struct, ILanes<T> =>
        a - b;

    public double Reference(double a, double b) => a - b;
}

/// <summary>y = a·b.</summary>
internal readonly struct MultiplyRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T a, T b)
        where T : struct, ILanes<T> =>
        a * b;

    public double Reference(double a, double b) => a * b;
}

/// <summary>y = a / b.</summary>
internal readonly struct DivideRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T a, T b)
        where T : struct, ILanes<T> =>
        a / b;

    public double Reference(double a, double b) => a / b;
}

/// <summary>The divisor's gradient of y = a / b: db = -dy·y / b.</summary>
internal readonly struct DivideBackwardRule : ITernaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T dy, T y, T b)
        where T : struct, ILanes<T> =>
        (T.Splat(0f) - dy) * y / b;

    public double Reference(double dy, double y, double b) => -dy * y / b;
}

/// <summary>y = factor·x.</summary>
internal readonly struct ScaleRule(float factor) : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Splat(factor) * x;

    public double Reference(double x) => factor * x;
}

/// <summary>y = x + term.</summary>
internal readonly struct AddScalarRule(float term) : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        x + T.Splat(term);

    public double Reference(double x) => x + term;
}

/// <summary>y = |x|.</summary>
internal readonly struct AbsRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        x & T.SplatBits(0x7FFF_FFFF);

    public double Reference(double x) => Math.Abs(x);
}

/// <summary>y = |x|: dx = dy with the sign of x, 0 at 0.</summary>
internal readonly struct AbsBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x, T dy)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(x, T.Splat(0f)), T.Splat(0f), dy ^ (x & T.SplatBits(0x8000_0000)));

    public double Reference(double x, double dy) => x == 0 ? 0 : Math.Sign(x) * dy;
}

/// <summary>y = 1 / x.</summary>
internal readonly struct ReciprocalRule : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Splat(1f) / x;

    public double Reference(double x) => 1 / x;
}

/// <summary>y = 1 / x: dx = -y²·dy.</summary>
internal readonly struct ReciprocalBackwardRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T y, T dy)
        where T : struct, ILanes<T> =>
        (T.Splat(0f) - dy) * y * y;

    public double Reference(double y, double dy) => -dy * y * y;
}

/// <summary>y = x, at least -limit and at most limit; NaN stays.</summary>
internal readonly struct ClampRule(float limit) : IUnaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Max(T.Splat(-limit), T.Min(T.Splat(limit), x));

    public double Reference(double x) => double.IsNaN(x) ? x : Math.Clamp(x, -limit, limit);
}

/// <summary>y = x, at least -limit and at most limit; what is infinite or NaN stays.</summary>
internal readonly struct ClampFiniteRule(float limit) : IUnaryRule
{
    // Only finite numbers less themselves are zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T x)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(x - x, T.Splat(0f)), T.Max(T.Splat(-limit), T.Min(T.Splat(limit), x)), x);

    public double Reference(double x) => double.IsFinite(x) ? Math.Clamp(x, -limit, limit) : x;
}

/// <summary>y = 1 where a = b, 0 elsewhere and where either is NaN.</summary>
internal readonly struct EqualRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T a, T b)
        where T : struct, ILanes<T> =>
        T.Equal(a, b) & T.Splat(1f);

    public double Reference(double a, double b) => a == b ? 1 : 0;
}
