using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = a where the condition is not 0, b elsewhere.</summary>
internal readonly struct SelectRule : ITernaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T condition, T a, T b)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(condition, T.Splat(0f)), b, a);

    public double Reference(double condition, double a, double b) => condition != 0 ? a : b;
}

/// <summary>y = x where the condition is not 0, 0 elsewhere (whatever x is).</summary>
internal readonly struct KeepWhereRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T condition, T x)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(condition, T.Splat(0f)), T.Splat(0f), x);

    public double Reference(double condition, double x) => condition != 0 ? x : 0;
}

/// <summary>y = x where the condition is 0, 0 elsewhere (whatever x is).</summary>
internal readonly struct KeepWhereNotRule : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T condition, T x)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(condition, T.Splat(0f)), x, T.Splat(0f));

    public double Reference(double condition, double x) => condition != 0 ? 0 : x;
}

/// <summary>y = value where the condition is not 0, x elsewhere.</summary>
internal readonly struct FillWhereRule(float value) : IBinaryRule
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Invoke<T>(T condition, T x)
        where T : struct, ILanes<T> =>
        T.Select(T.Equal(condition, T.Splat(0f)), x, T.Splat(value));

    public double Reference(double condition, double x) => condition != 0 ? value : x;
}
