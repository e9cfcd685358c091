using System.Numerics;
using System.Runtime.CompilerServices;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>How elements lie in memory, and in which type they are combined.</summary>
/// <typeparam name="T">The type that partial results have.</typeparam>
internal unsafe interface IElementFormat<T>
    where T : unmanaged, INumber<T>
{
    /// <summary>Bytes of one element in memory.</summary>
    static abstract int SizeInBytes { get; }

    /// <summary>Whether memory holds <typeparamref name="T"/> itself, so that tiles are read and written where they lie.</summary>
    static abstract bool IsDirect { get; }

    /// <summary>Converts <paramref name="count"/> elements into a tile.</summary>
    static abstract void Read(void* source, T* tile, int count);

    /// <summary>Rounds a tile into memory.</summary>
    static abstract void Write(T* tile, void* destination, int count);
}

internal readonly unsafe struct Direct<T> : IElementFormat<T>
    where T : unmanaged, INumber<T>
{
    public static int SizeInBytes => sizeof(T);

    public static bool IsDirect => true;

    public static void Read(void* source, T* tile, int count) => Buffer.MemoryCopy(source, tile, count * sizeof(T), count * sizeof(T));

    public static void Write(T* tile, void* destination, int count) => Buffer.MemoryCopy(tile, destination, count * sizeof(T), count * sizeof(T));
}

internal readonly unsafe struct BFloat16AsSingle : IElementFormat<float>
{
    public static int SizeInBytes => 2;

    public static bool IsDirect => false;

    public static void Read(void* source, float* tile, int count) =>
        BFloat16.Widen(new ReadOnlySpan<BFloat16>(source, count), new Span<float>(tile, count));

    public static void Write(float* tile, void* destination, int count) =>
        BFloat16.Narrow(new ReadOnlySpan<float>(tile, count), new Span<BFloat16>(destination, count));
}

internal readonly unsafe struct HalfAsSingle : IElementFormat<float>
{
    public static int SizeInBytes => 2;

    public static bool IsDirect => false;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(void* source, float* tile, int count)
    {
        var halves = (Half*)source;
        for (var i = 0; i < count; i++)
            tile[i] = (float)halves[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* tile, void* destination, int count)
    {
        var halves = (Half*)destination;
        for (var i = 0; i < count; i++)
            halves[i] = (Half)tile[i];
    }
}
