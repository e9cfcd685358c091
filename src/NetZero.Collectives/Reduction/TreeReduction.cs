using System.Numerics;
using System.Runtime.CompilerServices;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>The reduction over ranks that all transports use.</summary>
/// <remarks>
/// <para>// Note: the canonical tree.</para>
/// <para>The result for ranks [lo, lo + n) is the combination of the results for the first p and for the other n - p ranks, where p is the
/// largest power of two below n; for one rank it is the rank's element. It is defined for each element alone, so the bits depend neither on
/// where slices and tiles are cut nor on who computes them; and a power-of-two group is a subtree, so that reducing within groups and
/// then across them gives the bits of one flat reduction.</para>
/// <para>An average multiplies by 1/N once, after the sum. 16-bit types are combined in fp32 and rounded once, at the end.</para>
/// </remarks>
internal static unsafe class TreeReduction
{
    // 8 KiB of fp32: the tiles of a tree of 128 ranks (9 of them) still fit the second-level cache, those of 2 to 8 ranks the first.
    private const int TileElements = 2048;

    /// <summary>Reduces <paramref name="count"/> elements from each rank's memory into each destination.</summary>
    /// <param name="dtype">The element type.</param>
    /// <param name="op">How elements combine.</param>
    /// <param name="sources">The address of the first element of each rank, in rank order.</param>
    /// <param name="destinations">Where the result goes; a destination may be the very address of a source, but not overlap one otherwise.</param>
    /// <param name="count">Elements.</param>
    public static void Reduce(DType dtype, ReduceOp op, ReadOnlySpan<nint> sources, ReadOnlySpan<nint> destinations, long count)
    {
        switch (dtype)
        {
            case DType.F32:
                Reduce<float, Direct<float>>(op, sources, destinations, count);
                break;
            case DType.BF16:
                Reduce<float, BFloat16AsSingle>(op, sources, destinations, count);
                break;
            case DType.F16:
                Reduce<float, HalfAsSingle>(op, sources, destinations, count);
                break;
            case DType.I32:
                Reduce<int, Direct<int>>(op, sources, destinations, count);
                break;
            case DType.I64:
                Reduce<long, Direct<long>>(op, sources, destinations, count);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "This type cannot be reduced.");
        }
    }

    /// <summary>The same for doubles: host scalars.</summary>
    public static void ReduceDoubles(ReduceOp op, ReadOnlySpan<nint> sources, ReadOnlySpan<nint> destinations, long count) =>
        Reduce<double, Direct<double>>(op, sources, destinations, count);

    /// <summary>Multiplies in place: what turns a sum that somebody else made into an average.</summary>
    public static void ScaleSingles(float* values, float factor, long count)
    {
        for (long start = 0; start < count; start += TileElements)
            Scale(values + start, factor, (int)Math.Min(TileElements, count - start));
    }

    private static void Reduce<T, TFormat>(ReduceOp op, ReadOnlySpan<nint> sources, ReadOnlySpan<nint> destinations, long count)
        where T : unmanaged, INumber<T>
        where TFormat : IElementFormat<T>
    {
        switch (op)
        {
            case ReduceOp.Sum:
                Reduce<T, TFormat, SumReduction>(sources, destinations, count, T.One);
                break;
            case ReduceOp.Average:
                Reduce<T, TFormat, SumReduction>(sources, destinations, count, T.One / T.CreateChecked(sources.Length));
                break;
            case ReduceOp.Max:
                Reduce<T, TFormat, MaxReduction>(sources, destinations, count, T.One);
                break;
            case ReduceOp.Min:
                Reduce<T, TFormat, MinReduction>(sources, destinations, count, T.One);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(op), op, "Unknown reduction.");
        }
    }

    [SkipLocalsInit]
    private static void Reduce<T, TFormat, TReduction>(ReadOnlySpan<nint> sources, ReadOnlySpan<nint> destinations, long count, T scale)
        where T : unmanaged, INumber<T>
        where TFormat : IElementFormat<T>
        where TReduction : IReduction
    {
        // A tile for each level of the tree and, where leaves are converted, one for the deepest leaf.
        var tile = (int)Math.Min(TileElements, count);
        var slots = BitOperations.Log2((uint)sources.Length) + 2;
        var scratch = stackalloc T[slots * tile];

        // A result of its own that no cache holds afterwards anyhow is made in the scratch memory and stored around the caches.
        var around = TFormat.IsDirect && destinations.Length == 1 && count * sizeof(T) >= LargeCopy.AroundBytes / 2 && !sources.Contains(destinations[0]);
        for (long start = 0; start < count; start += tile)
        {
            var n = (int)Math.Min(tile, count - start);
            var offset = (nint)(start * TFormat.SizeInBytes);

            // The first destination gets the root of the tree directly. That may be a source's memory: every element of the tile has been
            // read by then, except the root's own two operands, which are read right before the write.
            var first = (T*)(destinations[0] + offset);
            var result = Evaluate<T, TFormat, TReduction>(sources, offset, 0, sources.Length, scratch, tile, n, TFormat.IsDirect && !around ? first : null);
            if (scale != T.One)
                Scale(result, scale, n);
            if (around)
            {
                LargeCopy.Copy(result, first, (long)n * sizeof(T), around: true);
                continue;
            }

            for (var d = TFormat.IsDirect ? 1 : 0; d < destinations.Length; d++)
                TFormat.Write(result, (void*)(destinations[d] + offset), n);
        }
    }

    private static T* Evaluate<T, TFormat, TReduction>(
        ReadOnlySpan<nint> sources, nint offset, int from, int ranks, T* scratch, int tile, int n, T* target)
        where T : unmanaged, INumber<T>
        where TFormat : IElementFormat<T>
        where TReduction : IReduction
    {
        if (ranks == 1)
        {
            var source = (void*)(sources[from] + offset);
            if (TFormat.IsDirect && target == null)
                return (T*)source;
            var leaf = target == null ? scratch : target;
            if (leaf != source)
                TFormat.Read(source, leaf, n);
            return leaf;
        }

        // The left result may lie in the first tile, so the right one starts with the second.
        var left = (int)(BitOperations.RoundUpToPowerOf2((uint)ranks) / 2);
        var a = Evaluate<T, TFormat, TReduction>(sources, offset, from, left, scratch, tile, n, null);
        var b = Evaluate<T, TFormat, TReduction>(sources, offset, from + left, ranks - left, scratch + tile, tile, n, null);
        var result = target == null ? scratch : target;
        Combine<T, TReduction>(a, b, result, n);
        return result;
    }

    // Compiled for speed from the first call: a loop of many short calls would stay in the slow first tier for whole steps.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<T, TReduction>(T* a, T* b, T* result, int n)
        where T : unmanaged, INumber<T>
        where TReduction : IReduction
    {
        var width = Vector<T>.Count;
        var i = 0;
        for (; i <= n - (4 * width); i += 4 * width)
        {
            var r0 = TReduction.Combine(*(Vector<T>*)(a + i), *(Vector<T>*)(b + i));
            var r1 = TReduction.Combine(*(Vector<T>*)(a + i + width), *(Vector<T>*)(b + i + width));
            var r2 = TReduction.Combine(*(Vector<T>*)(a + i + (2 * width)), *(Vector<T>*)(b + i + (2 * width)));
            var r3 = TReduction.Combine(*(Vector<T>*)(a + i + (3 * width)), *(Vector<T>*)(b + i + (3 * width)));
            *(Vector<T>*)(result + i) = r0;
            *(Vector<T>*)(result + i + width) = r1;
            *(Vector<T>*)(result + i + (2 * width)) = r2;
            *(Vector<T>*)(result + i + (3 * width)) = r3;
        }

        for (; i < n; i++)
            result[i] = TReduction.Combine(a[i], b[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<T>(T* tile, T scale, int n)
        where T : unmanaged, INumber<T>
    {
        var factor = new Vector<T>(scale);
        var i = 0;
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count)
            *(Vector<T>*)(tile + i) *= factor;
        for (; i < n; i++)
            tile[i] *= scale;
    }
}
