using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Vectors that are only partly inside a row: its end runs through the same code as its body, so bits do not depend on position.</summary>
/// <remarks>
/// Note: why all of it is inlined. Calls keep no vector registers: where the end of a row made one, the sums of its body were stored and
/// loaded again with each step, for which LayerNorm took three times as long.
/// </remarks>
internal static unsafe class PartialLanes
{
    /// <summary>Loads <paramref name="count"/> floats (at most a vector) and fills the other lanes with 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(float* source, long count)
        where T : struct, ILanes<T> =>
        T.LoadFirst(source, count);

    /// <summary>Loads <paramref name="count"/> floats (at most a vector) and fills the other lanes with <paramref name="fill"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(float* source, long count, float fill)
        where T : struct, ILanes<T> =>
        T.Select(T.First(count), T.LoadFirst(source, count), T.Splat(fill));

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(float* target, T value, long count)
        where T : struct, ILanes<T> =>
        T.StoreFirst(value, target, count);

    /// <summary>A whole vector, or its first <paramref name="count"/> lanes and zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadUpTo<T>(float* source, long count)
        where T : struct, ILanes<T> =>
        count == T.Count ? T.Load(source) : Load<T>(source, count);

    /// <summary>Stores a whole vector, or its first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUpTo<T>(float* target, T value, long count)
        where T : struct, ILanes<T>
    {
        if (count == T.Count)
            T.Store(value, target);
        else
            Store(target, value, count);
    }
}
