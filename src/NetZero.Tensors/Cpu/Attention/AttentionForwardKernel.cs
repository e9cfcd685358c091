using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// o = softmax(scale q k', masked) v per head, in tiles with a running softmax: the T x T matrix never exists. Also the logarithm of each
/// softmax's denominator, lse [B, H, T], for backward (or null).
/// </summary>
/// <remarks>
/// Dao, Fu, Ermon, Rudra, Re, "FlashAttention" (2022), algorithm 1, and Dao, "FlashAttention-2" (2023), section 3.1, on a CPU's caches.
/// A task is one (batch, head); it goes through its tiles in a fixed order. Scratch has <see cref="WorkspaceBytes"/>.
/// </remarks>
internal readonly unsafe struct AttentionForwardKernel(
    AttentionOperand q, AttentionOperand k, AttentionOperand v, AttentionOperand o, float* lse, byte* scratch, AttentionShape shape)
    : IKernel, IParallelBody
{
    /// <summary>Scratch for <paramref name="threads"/> workers: each holds one head's keys (transposed) and values, and one tile of the rest.</summary>
    public static long WorkspaceBytes(int threads, AttentionShape shape) => threads * FloatsPerWorker(shape) * sizeof(float);

    /// <inheritdoc/>
    public DType DType => q.Elements.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        q.Describe(ref arguments);
        k.Describe(ref arguments);
        v.Describe(ref arguments);
        o.Describe(ref arguments);
        arguments.Add(lse);
        arguments.Add(scratch);
        shape.Describe(ref arguments);
    }

    /// <inheritdoc/>
    public KernelWork Work => shape.Work(products: 2, passes: 1, q.Elements.ElementBytes);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(shape.Batch * shape.Heads, ref body);
    }

    public void Run(long index, int worker)
    {
        var (batch, head) = Math.DivRem(index, shape.Heads);
        if (Lanes16.IsSupported)
            Head<Lanes16>(batch, head, worker);
        else if (Lanes8.IsSupported)
            Head<Lanes8>(batch, head, worker);
        else if (Lanes4.IsSupported)
            Head<Lanes4>(batch, head, worker);
        else
            Head<Lanes1>(batch, head, worker);
    }

    private static long FloatsPerWorker(AttentionShape shape)
    {
        var padded = AttentionTiles.PaddedChannels(shape.HeadChannels);
        return (2 * AttentionTiles.PaddedKeys(shape.Tokens) * padded)
            + (AttentionTiles.Queries * ((2 * padded) + AttentionTiles.Keys + 2));
    }

    private void Head<T>(long batch, long head, int worker)
        where T : struct, ILanes<T>
    {
        var keyHead = head / shape.GroupSize;
        var tiles = new Tiles<T>((float*)scratch + (worker * FloatsPerWorker(shape)), shape);
        AttentionTiles.CopyTransposed(
            k.Row(batch, 0, keyHead), k.TokenStride, shape.Tokens, shape.HeadChannels, tiles.KeysTransposed);
        AttentionTiles.CopyRows<T>(
            v.Row(batch, 0, keyHead), v.TokenStride, shape.Tokens, shape.HeadChannels, 1, tiles.Values, shape.Tokens, tiles.Padded);
        for (long first = 0; first < shape.Tokens; first += AttentionTiles.Queries)
        {
            tiles.Begin(first, q.Row(batch, first, head), q.TokenStride);
            var keys = shape.Causal ? Math.Min(shape.Tokens, first + AttentionTiles.Queries) : shape.Tokens;
            for (long firstKey = 0; firstKey < keys; firstKey += AttentionTiles.Keys)
                tiles.AddKeys(firstKey);
            for (long row = 0; row < tiles.QueryCount; row++)
            {
                var (sum, max) = (tiles.Sums[row], tiles.Maxima[row]);
                AttentionTiles.StoreRow<T>(
                    tiles.Output + (row * tiles.Padded), shape.HeadChannels, 1 / sum, o.Row(batch, first + row, head));
                if (lse != null)
                    lse[(((batch * shape.Heads) + head) * shape.Tokens) + first + row] = max + MathF.Log(sum);
            }
        }
    }

    // One tile of queries and what has been summed up for it over the keys so far.
    private ref struct Tiles<T>
        where T : struct, ILanes<T>
    {
        public readonly float* KeysTransposed; // [tiles of keys, D, Keys]
        public readonly float* Values;         // [T, padded D]
        public readonly float* Output;         // [Queries, padded D], not yet divided by the sums
        public readonly float* Sums;           // [Queries]: of exp(score - maximum)
        public readonly float* Maxima;         // [Queries]
        public readonly long Padded;
        private readonly float* _queries;      // [Queries, padded D], scaled
        private readonly float* _scores;       // [Queries, Keys]
        private readonly AttentionShape _shape;
        private long _first;

        public Tiles(float* memory, AttentionShape shape)
        {
            _shape = shape;
            Padded = AttentionTiles.PaddedChannels(shape.HeadChannels);
            var head = AttentionTiles.PaddedKeys(shape.Tokens) * Padded;
            KeysTransposed = memory;
            Values = KeysTransposed + head;
            Output = Values + head;
            _queries = Output + (AttentionTiles.Queries * Padded);
            _scores = _queries + (AttentionTiles.Queries * Padded);
            Sums = _scores + (AttentionTiles.Queries * AttentionTiles.Keys);
            Maxima = Sums + AttentionTiles.Queries;
        }

        public long QueryCount { get; private set; }

        public void Begin(long first, FloatPointer source, long stride)
        {
            _first = first;
            QueryCount = Math.Min(AttentionTiles.Queries, _shape.Tokens - first);
            AttentionTiles.CopyRows<T>(
                source, stride, QueryCount, _shape.HeadChannels, _shape.Scale, _queries, AttentionTiles.Queries, Padded);
            AttentionTiles.Clear(Sums, AttentionTiles.Queries);
            new Span<float>(Maxima, (int)AttentionTiles.Queries).Fill(float.NegativeInfinity);
        }

        // Three passes over the tile, so that the keys, then the values, stay in the first-level cache while all queries use them.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void AddKeys(long firstKey)
        {
            var keys = KeysTransposed + (firstKey * _shape.HeadChannels);
            var values = Values + (firstKey * Padded);
            for (long row = 0; row < QueryCount; row += TileProduct.Rows)
                TileProduct.Multiply<T>(
                    _queries + (row * Padded), Padded, 1, keys, AttentionTiles.Keys, _scores + (row * AttentionTiles.Keys),
                    AttentionTiles.Keys, 0, _shape.HeadChannels, BlockKeys(row, firstKey), accumulate: false);
            for (long row = 0; row < QueryCount; row += TileProduct.Rows)
                Exponentiate(row, firstKey);
            for (long row = 0; row < QueryCount; row += TileProduct.Rows)
                TileProduct.Multiply<T>(
                    _scores + (row * AttentionTiles.Keys), AttentionTiles.Keys, 1, values, Padded, Output + (row * Padded), Padded,
                    0, BlockKeys(row, firstKey), _shape.HeadChannels, accumulate: firstKey > 0);
        }

        // Keys that the last of a block's four queries sees: at least as many as the others see.
        private readonly long BlockKeys(long row, long firstKey) =>
            _shape.VisibleKeys(_first + row + TileProduct.Rows - 1, firstKey);

        // For a block of four queries: scores = exp(scores - maximum), zero for keys that are not seen, and what was summed under an older
        // maximum is scaled down. Four rows at a time, because each step of one row waits for the step before.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Exponentiate(long row, long firstKey)
        {
            var scores = _scores + (row * AttentionTiles.Keys);
            var end = (BlockKeys(row, firstKey) + T.Count - 1) / T.Count * T.Count;
            var four = stackalloc float[TileProduct.Rows];
            for (var r = 0; r < TileProduct.Rows; r++)
            {
                for (var j = _shape.VisibleKeys(_first + row + r, firstKey); j < end; j++)
                    scores[(r * AttentionTiles.Keys) + j] = float.NegativeInfinity;
                four[r] = Largest(scores + (r * AttentionTiles.Keys), end);
            }

            // The first tile finds nothing to scale: its old maximum is minus infinity and its factor 0.
            var before = Lanes4.Load(Maxima + row);
            var maxima = Lanes4.MaxNative(Lanes4.Load(four), before);
            var factors = VectorMath.Exp(before - maxima);
            Lanes4.Store(maxima, Maxima + row);
            for (var r = 0; r < TileProduct.Rows; r++)
                four[r] = ExponentiateRow(scores + (r * AttentionTiles.Keys), end, Maxima[row + r]);
            Lanes4.Store(Lanes4.MultiplyAdd(Lanes4.Load(Sums + row), factors, Lanes4.Load(four)), Sums + row);
            if (firstKey == 0)
                return;
            Lanes4.Store(factors, four);
            for (var r = 0; r < TileProduct.Rows; r++)
            {
                var output = Output + ((row + r) * Padded);
                if (four[r] != 1)
                    AttentionTiles.StoreRow<T>(output, Padded, four[r], output);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Largest(float* scores, long end)
        {
            var largest = T.Load(scores);
            for (long j = T.Count; j < end; j += T.Count)
                largest = T.MaxNative(largest, T.Load(scores + j));
            return T.MaxNativeAcross(largest);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float ExponentiateRow(float* scores, long end, float maximum)
        {
            var shift = T.Splat(maximum);
            var sum = T.Splat(0);
            for (long j = 0; j < end; j += T.Count)
            {
                var p = VectorMath.Exp(T.Load(scores + j) - shift);
                T.Store(p, scores + j);
                sum += p;
            }

            return T.Sum(sum);
        }
    }
}
