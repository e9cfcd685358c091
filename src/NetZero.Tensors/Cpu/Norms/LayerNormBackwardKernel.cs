using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// With h = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean(g) - h mean(g h)), dgamma = sum over rows of dy h, dbeta = sum of dy.
/// </summary>
/// <remarks>
/// x, dy, dx [rows, columns] contiguous, gamma, dgamma, dbeta [columns], mean, rstd [rows] from the forward pass; scratch has
/// <see cref="WorkspaceBytes"/>. dx may be dy's memory. The accumulate flags add to what is there. What is null of dx, dgamma and dbeta is
/// not computed.
/// The rows are cut into chunks; each chunk makes its own partial dgamma and dbeta, which are then added in the order of the chunks.
/// </remarks>
internal readonly unsafe struct LayerNormBackwardKernel(
    FloatPointer x, FloatPointer gamma, float* mean, float* rstd, FloatPointer dy, FloatPointer dx, FloatPointer dgamma, FloatPointer dbeta, byte* scratch,
    long rows, long columns, bool accumulateInput, bool accumulateGamma, bool accumulateBeta) : IKernel, IParallelBody
{
    /// <summary>Scratch where an operand is 16-bit, behind <see cref="WorkspaceBytes"/>: gamma as floats, and rows for each worker; see <see cref="NormRows.TileBytes"/>.</summary>
    public const int SharedTiles = 1;

    /// <summary>Rows of scratch for each worker: of x, dy and dx.</summary>
    public const int WorkerTiles = 3;

    /// <summary>Scratch for the partial sums of the parameter gradients.</summary>
    public static long WorkspaceBytes(long rows, long columns) => NormRows.Chunks(rows) * 2 * columns * sizeof(float);

    private float* Partials => (float*)scratch;

    private float* Tiles => Partials + (WorkspaceBytes(rows, columns) / sizeof(float));

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(gamma);
        arguments.Add(mean);
        arguments.Add(rstd);
        arguments.Add(dy);
        arguments.Add(dx);
        arguments.Add(dgamma);
        arguments.Add(dbeta);
        arguments.Add(scratch);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(accumulateInput);
        arguments.Add(accumulateGamma);
        arguments.Add(accumulateBeta);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(rows * columns, x.ElementBytes + dy.ElementBytes + (dx.ElementBytes * (accumulateInput ? 2 : 1)));

    public void Run(WorkerPool workers)
    {
        var body = new LayerNormBackwardKernel(
            x, gamma.Read(columns, Tiles), mean, rstd, dy, dx, dgamma, dbeta, scratch, rows, columns, accumulateInput, accumulateGamma, accumulateBeta);
        var chunks = NormRows.Chunks(rows);
        workers.For(chunks, ref body);
        if (!dgamma.IsNull)
            NormRows.Combine(Partials, 2 * columns, chunks, dgamma, columns, accumulateGamma);
        if (!dbeta.IsNull)
            NormRows.Combine(Partials + columns, 2 * columns, chunks, dbeta, columns, accumulateBeta);
    }

    public void Run(long index, int worker)
    {
        if (Lanes16.IsSupported)
            Chunk<Lanes16>(index, worker);
        else if (Lanes8.IsSupported)
            Chunk<Lanes8>(index, worker);
        else if (Lanes4.IsSupported)
            Chunk<Lanes4>(index, worker);
        else
            Chunk<Lanes1>(index, worker);
    }

    private void Chunk<T>(long chunk, int worker)
        where T : struct, ILanes<T>
    {
        var partialGamma = Partials + (chunk * 2 * columns);
        var partialBeta = partialGamma + columns;
        var wantsParameters = !dgamma.IsNull || !dbeta.IsNull;
        for (long c = 0; wantsParameters && c < 2 * columns; c++)
            partialGamma[c] = 0;
        var tiles = Tiles + ((SharedTiles + (worker * WorkerTiles)) * columns);
        var first = chunk * NormRows.RowsPerChunk(rows);
        var last = Math.Min(rows, first + NormRows.RowsPerChunk(rows));
        for (var row = first; row < last; row++)
        {
            var r = new Row<T>(
                x.At(row * columns).Read(columns, tiles), dy.At(row * columns).Read(columns, tiles + columns), gamma.Floats, mean[row], rstd[row]);
            if (wantsParameters)
                r.AddParameterGradients(partialGamma, partialBeta, columns);
            if (dx.IsNull)
                continue;
            var target = dx.At(row * columns);
            var result = accumulateInput ? target.Read(columns, tiles + (2 * columns)) : target.Target(tiles + (2 * columns));
            r.InputGradient(result, columns, accumulateInput);
            target.Write(result, columns);
        }
    }

    private readonly ref struct Row<T>(float* x, float* dy, float* gamma, float mean, float rstd)
        where T : struct, ILanes<T>
    {
        private readonly float* _x = x;
        private readonly float* _dy = dy;
        private readonly float* _gamma = gamma;
        private readonly T _rstd = T.Splat(rstd);
        private readonly T _mean = T.Splat(mean);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void AddParameterGradients(float* partialGamma, float* partialBeta, long columns)
        {
            long c = 0;
            for (; c <= columns - T.Count; c += T.Count)
            {
                var dy = T.Load(_dy + c);
                T.Store(T.MultiplyAdd(dy, Hat(T.Load(_x + c)), T.Load(partialGamma + c)), partialGamma + c);
                T.Store(T.Load(partialBeta + c) + dy, partialBeta + c);
            }

            if (c < columns)
            {
                var n = columns - c;
                var dy = Partial(_dy + c, n);
                PartialLanes.Store<T>(
                    partialGamma + c, T.MultiplyAdd(dy, Hat(Partial(_x + c, n)), Partial(partialGamma + c, n)), n);
                PartialLanes.Store<T>(partialBeta + c, Partial(partialBeta + c, n) + dy, n);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void InputGradient(float* dx, long columns, bool accumulate)
        {
            var sumG = T.Splat(0);
            var sumGh = T.Splat(0);
            long c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                Add(T.Load(_dy + c) * T.Load(_gamma + c), T.Load(_x + c), ref sumG, ref sumGh);
            if (c < columns) // dy is filled with 0, so the lanes beyond the row add nothing
                Add(Partial(_dy + c, columns - c) * Partial(_gamma + c, columns - c), Partial(_x + c, columns - c),
                    ref sumG, ref sumGh);

            var meanG = T.Splat(T.Sum(sumG) / columns);
            var meanGh = T.Splat(T.Sum(sumGh) / columns);
            for (c = 0; c <= columns - T.Count; c += T.Count)
            {
                var d = Gradient(T.Load(_x + c), T.Load(_dy + c), T.Load(_gamma + c), meanG, meanGh);
                T.Store(accumulate ? (T.Load(dx + c) + d) : d, dx + c);
            }

            if (c < columns)
            {
                var n = columns - c;
                var d = Gradient(Partial(_x + c, n), Partial(_dy + c, n), Partial(_gamma + c, n), meanG, meanGh);
                PartialLanes.Store<T>(dx + c, accumulate ? (Partial(dx + c, n) + d) : d, n);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static T Partial(float* source, long count) => PartialLanes.Load<T>(source, count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private T Hat(T x) => (x - _mean) * _rstd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(T g, T x, ref T sumG, ref T sumGh)
        {
            sumG += g;
            sumGh = T.MultiplyAdd(g, Hat(x), sumGh);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private T Gradient(T x, T dy, T gamma, T meanG, T meanGh)
        {
            var centered = (dy * gamma) - meanG;
            return _rstd * (centered - (Hat(x) * meanGh));
        }
    }
}
