using System.Numerics;
using System.Runtime.CompilerServices;

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(void* source, float* tile, int count)
    {
        var bits = (ushort*)source;
        var i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(*(Vector<ushort>*)(bits + i), out var low, out var high);
            *(Vector<uint>*)(tile + i) = low << 16;
            *(Vector<uint>*)(tile + i + Vector<uint>.Count) = high << 16;
        }

        for (; i < count; i++)
            tile[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* tile, void* destination, int count)
    {
        var bits = (ushort*)destination;
        var i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            var low = Round(*(Vector<float>*)(tile + i));
            var high = Round(*(Vector<float>*)(tile + i + Vector<float>.Count));
            *(Vector<ushort>*)(bits + i) = Vector.Narrow(low, high);
        }

        for (; i < count; i++)
            bits[i] = Round(tile[i]);
    }

    // To nearest, ties to even: add half of the last kept bit, less one when that bit is even. NaN keeps its sign and becomes quiet.
    internal static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Round(Vector<float> value)
    {
        var bits = Vector.AsVectorUInt32(value);
        var upper = bits >>> 16;
        var rounded = (bits + new Vector<uint>(0x7FFF) + (upper & Vector<uint>.One)) >>> 16;
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(value, value)), rounded, upper | new Vector<uint>(0x40));
    }
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
