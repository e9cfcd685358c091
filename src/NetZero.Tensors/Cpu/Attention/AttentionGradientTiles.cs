using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>One worker's scratch for <see cref="AttentionBackwardKernel"/>: a head's keys and values, a tile of queries, and the tile products.</summary>
internal unsafe ref struct AttentionGradientTiles<T>
    where T : struct, ILanes<T>
{
    public readonly float* KeyGradients;       // [padded T, padded D]
    public readonly float* ValueGradients;     // [padded T, padded D]
    public readonly float* QueryGradients;     // [Queries, padded D], not yet scaled
    public readonly long Padded;
    private readonly float* _keysTransposed;   // [tiles of keys, D, Keys]
    private readonly float* _valuesTransposed; // [tiles of keys, D, Keys]
    private readonly float* _keys;             // [T, padded D]
    private readonly float* _queries;          // [Queries, padded D], scaled
    private readonly float* _outputGradients;  // [Queries, padded D]
    private readonly float* _probabilities;    // [Queries, Keys]
    private readonly float* _scoreGradients;   // [Queries, Keys]
    private readonly float* _deltas;           // [Queries]: rowsum(dO o)
    private readonly AttentionShape _shape;
    private float* _lse;
    private long _first;

    public AttentionGradientTiles(float* memory, AttentionShape shape)
    {
        _shape = shape;
        Padded = AttentionTiles.PaddedChannels(shape.HeadChannels);
        var head = AttentionTiles.PaddedKeys(shape.Tokens) * Padded;
        var tile = AttentionTiles.Queries * Padded;
        KeyGradients = memory;
        ValueGradients = KeyGradients + head;
        _keysTransposed = ValueGradients + head;
        _valuesTransposed = _keysTransposed + head;
        _keys = _valuesTransposed + head;
        QueryGradients = _keys + head;
        _queries = QueryGradients + tile;
        _outputGradients = _queries + tile;
        _probabilities = _outputGradients + tile;
        _scoreGradients = _probabilities + (AttentionTiles.Queries * AttentionTiles.Keys);
        _deltas = _scoreGradients + (AttentionTiles.Queries * AttentionTiles.Keys);
    }

    public long QueryCount { get; private set; }

    public readonly void BeginKeys(FloatPointer k, long keyStride, FloatPointer v, long valueStride)
    {
        AttentionTiles.CopyTransposed(k, keyStride, _shape.Tokens, _shape.HeadChannels, _keysTransposed);
        AttentionTiles.CopyTransposed(v, valueStride, _shape.Tokens, _shape.HeadChannels, _valuesTransposed);
        AttentionTiles.CopyRows<T>(k, keyStride, _shape.Tokens, _shape.HeadChannels, 1, _keys, _shape.Tokens, Padded);
        AttentionTiles.Clear(KeyGradients, 2 * AttentionTiles.PaddedKeys(_shape.Tokens) * Padded);
    }

    public void BeginQueries(
        long first, FloatPointer q, long queryStride, FloatPointer dO, long outputGradientStride, FloatPointer o, long outputStride, float* lse)
    {
        _first = first;
        _lse = lse;
        QueryCount = Math.Min(AttentionTiles.Queries, _shape.Tokens - first);
        AttentionTiles.CopyRows<T>(
            q, queryStride, QueryCount, _shape.HeadChannels, _shape.Scale, _queries, AttentionTiles.Queries, Padded);
        AttentionTiles.CopyRows<T>(
            dO, outputGradientStride, QueryCount, _shape.HeadChannels, 1, _outputGradients, AttentionTiles.Queries, Padded);

        // A row of outputs is widened where the gradients of the queries will be.
        for (long row = 0; row < QueryCount; row++)
            _deltas[row] = Dot(
                _outputGradients + (row * Padded), o.At(row * outputStride).Read(_shape.HeadChannels, QueryGradients), _shape.HeadChannels);
        AttentionTiles.Clear(QueryGradients, AttentionTiles.Queries * Padded);
    }

    /// <summary>Adds what the tile of keys from <paramref name="firstKey"/> and the tile of queries give each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void AddKeys(long firstKey)
    {
        var tile = firstKey * _shape.HeadChannels;
        for (long row = 0; row < QueryCount; row += TileProduct.Rows)
            TileProduct.Multiply<T>(
                _queries + (row * Padded), Padded, 1, _keysTransposed + tile, AttentionTiles.Keys,
                _probabilities + (row * AttentionTiles.Keys), AttentionTiles.Keys, 0, _shape.HeadChannels, BlockKeys(row, firstKey), false);
        for (long row = 0; row < QueryCount; row += TileProduct.Rows)
            TileProduct.Multiply<T>(
                _outputGradients + (row * Padded), Padded, 1, _valuesTransposed + tile, AttentionTiles.Keys,
                _scoreGradients + (row * AttentionTiles.Keys), AttentionTiles.Keys, 0, _shape.HeadChannels, BlockKeys(row, firstKey), false);
        for (long row = 0; row < QueryCount; row++)
            DifferentiateSoftmax(row, firstKey);
        for (long row = 0; row < QueryCount; row += TileProduct.Rows)
            TileProduct.Multiply<T>(
                _scoreGradients + (row * AttentionTiles.Keys), AttentionTiles.Keys, 1, _keys + (firstKey * Padded), Padded,
                QueryGradients + (row * Padded), Padded, 0, BlockKeys(row, firstKey), _shape.HeadChannels, true);
        var keyCount = Math.Min(AttentionTiles.Keys, _shape.Tokens - firstKey);
        AddTransposed(_scoreGradients, _queries, KeyGradients + (firstKey * Padded), firstKey, keyCount);
        AddTransposed(_probabilities, _outputGradients, ValueGradients + (firstKey * Padded), firstKey, keyCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(float* x, float* y, long count)
    {
        var sum = T.Splat(0);
        long c = 0;
        for (; c <= count - T.Count; c += T.Count)
            sum = T.MultiplyAdd(T.Load(x + c), T.Load(y + c), sum);
        if (c < count)
            sum = T.MultiplyAdd(PartialLanes.Load<T>(x + c, count - c), PartialLanes.Load<T>(y + c, count - c), sum);
        return T.Sum(sum);
    }

    // Keys that the last of a block's four queries sees: at least as many as the others see.
    private readonly long BlockKeys(long row, long firstKey) => _shape.VisibleKeys(_first + row + TileProduct.Rows - 1, firstKey);

    // Scores become probabilities, and their gradients dP become dS = P (dP - delta); both zero for keys that are not seen.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void DifferentiateSoftmax(long row, long firstKey)
    {
        var p = _probabilities + (row * AttentionTiles.Keys);
        var ds = _scoreGradients + (row * AttentionTiles.Keys);
        var end = (BlockKeys(row & -TileProduct.Rows, firstKey) + T.Count - 1) / T.Count * T.Count;
        var lse = T.Splat(_lse[row]);
        var delta = T.Splat(_deltas[row]);
        for (var j = _shape.VisibleKeys(_first + row, firstKey); j < end; j++)
            p[j] = float.NegativeInfinity;
        for (long j = 0; j < end; j += T.Count)
        {
            var probability = VectorMath.Exp(T.Load(p + j) - lse);
            T.Store(probability, p + j);
            T.Store(probability * (T.Load(ds + j) - delta), ds + j);
        }
    }

    // target[key, :] += sum over queries of weights[query, key] rows[query, :]. A block of four keys starts at the first query that sees its
    // first key: tiles and blocks start at multiples of four, so that query starts a block too, and its row of weights is filled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddTransposed(float* weights, float* rows, float* target, long firstKey, long keyCount)
    {
        for (long key = 0; key < keyCount; key += TileProduct.Rows)
        {
            var start = _shape.Causal ? Math.Max(0, firstKey + key - _first) : 0;
            TileProduct.Multiply<T>(
                weights + key, 1, AttentionTiles.Keys, rows, Padded, target + (key * Padded), Padded, start, QueryCount,
                _shape.HeadChannels, true);
        }
    }
}

/// <summary>The size of <see cref="AttentionGradientTiles{T}"/>.</summary>
internal static class AttentionGradientTiles
{
    public static long Floats(AttentionShape shape)
    {
        var padded = AttentionTiles.PaddedChannels(shape.HeadChannels);
        return (5 * AttentionTiles.PaddedKeys(shape.Tokens) * padded)
            + (AttentionTiles.Queries * ((3 * padded) + (2 * AttentionTiles.Keys) + 1));
    }
}
