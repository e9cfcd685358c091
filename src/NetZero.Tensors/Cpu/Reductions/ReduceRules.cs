using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>How elements are reduced to one.</summary>
internal unsafe interface IReduceRule
{
    /// <summary>What reducing nothing gives.</summary>
    static abstract float Identity { get; }

    /// <summary>Reduces two, lane by lane.</summary>
    static abstract T Combine<T>(T a, T b)
        where T : struct, ILanes<T>;

    /// <summary>Reduces two.</summary>
    static abstract double Combine(double a, double b);

    /// <summary>Reduces contiguous elements.</summary>
    static abstract double Row(float* x, long count);
}

/// <summary>The sum.</summary>
internal readonly unsafe struct SumReduce : IReduceRule
{
    public static float Identity => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine<T>(T a, T b)
        where T : struct, ILanes<T> =>
        a + b;

    public static double Combine(double a, double b) => a + b;

    public static double Row(float* x, long count) => RowReductions.Sum(x, count);
}

/// <summary>The maximum; NaN when any element is.</summary>
internal readonly unsafe struct MaxReduce : IReduceRule
{
    public static float Identity => float.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Combine<T>(T a, T b)
        where T : struct, ILanes<T> =>
        T.Max(a, b);

    public static double Combine(double a, double b) => Math.Max(a, b);

    public static double Row(float* x, long count) => RowReductions.Max(x, count);
}
