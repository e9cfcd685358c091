using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Vectors that are only partly inside a row: its end runs through the same code as its body, so bits do not depend on position.</summary>
internal static unsafe class PartialLanes
{
    // The widest vector: 16 floats.
    private const int MaxCount = 16;

    /// <summary>Loads <paramref name="count"/> floats (at most a vector) and fills the other lanes with <paramref name="fill"/>.</summary>
    public static T Load<T>(float* source, long count, float fill = 0)
        where T : struct, ILanes<T>
    {
        var buffer = stackalloc float[MaxCount];
        for (var i = 0; i < T.Count; i++)
            buffer[i] = i < count ? source[i] : fill;
        return T.Load(buffer);
    }

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    public static void Store<T>(float* target, T value, long count)
        where T : struct, ILanes<T>
    {
        var buffer = stackalloc float[MaxCount];
        T.Store(value, buffer);
        for (var i = 0; i < count; i++)
            target[i] = buffer[i];
    }

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
