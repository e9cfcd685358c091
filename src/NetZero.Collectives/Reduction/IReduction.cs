using System.Numerics;

namespace NetZero.Collectives;

/// <summary>How two partial results combine; the vector and the scalar form give the same bits.</summary>
internal interface IReduction
{
    static abstract Vector<T> Combine<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>;

    static abstract T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T>;
}

internal readonly struct SumReduction : IReduction
{
    public static Vector<T> Combine<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T> => a + b;

    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => a + b;
}

// Vector.Max and T.Max are both IEEE 754-2019 maximum: NaN wins, and +0 is above -0.
internal readonly struct MaxReduction : IReduction
{
    public static Vector<T> Combine<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T> => Vector.Max(a, b);

    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => T.Max(a, b);
}

internal readonly struct MinReduction : IReduction
{
    public static Vector<T> Combine<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T> => Vector.Min(a, b);

    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => T.Min(a, b);
}
