using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// With h = x rstd and g = dy gamma: dx = rstd (g - h mean(g h)), dgamma = sum over rows of dy h.
/// </summary>
/// <remarks>
/// x, dy, dx [rows, columns] contiguous, gamma, dgamma [columns], rstd [rows] from the forward pass; scratch has
/// <see cref="WorkspaceBytes"/>. dx may be dy's memory. accumulateInput adds to dx, accumulateParameters to dgamma. A null dx or
/// a null dgamma is not computed.
/// The rows are cut into chunks; each chunk makes its own partial dgamma, which are then added in the order of the chunks.
/// </remarks>
internal readonly unsafe struct RmsNormBackwardKernel(
    float* x, float* gamma, float* rstd, float* dy, float* dx, float* dgamma, byte* scratch,
    long rows, long columns, bool accumulateInput, bool accumulateParameters) : IKernel, IParallelBody
{
    /// <summary>Scratch for the partial sums of the parameter gradient.</summary>
    public static long WorkspaceBytes(long rows, long columns) => NormRows.Chunks(rows) * columns * sizeof(float);

    private float* Partials => (float*)scratch;

    public void Run(WorkerPool workers)
    {
        var body = this;
        var chunks = NormRows.Chunks(rows);
        workers.For(chunks, ref body);
        if (dgamma == null)
            return;
        NormRows.Combine(Partials, columns, chunks, dgamma, columns, accumulateParameters);
    }

    public void Run(long index, int worker)
    {
        if (Lanes512.IsSupported)
            Chunk<Lanes512, Vector512<float>>(index);
        else if (Lanes256.IsSupported)
            Chunk<Lanes256, Vector256<float>>(index);
        else
            Chunk<Lanes128, Vector128<float>>(index);
    }

    private void Chunk<TLanes, TVector>(long chunk)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        var partialGamma = Partials + (chunk * columns);
        for (long c = 0; dgamma != null && c < columns; c++)
            partialGamma[c] = 0;
        var first = chunk * NormRows.RowsPerChunk(rows);
        var last = Math.Min(rows, first + NormRows.RowsPerChunk(rows));
        for (var row = first; row < last; row++)
        {
            var r = new Row<TLanes, TVector>(x + (row * columns), dy + (row * columns), gamma, rstd[row]);
            if (dgamma != null)
                r.AddParameterGradient(partialGamma, columns);
            if (dx != null)
                r.InputGradient(dx + (row * columns), columns, accumulateInput);
        }
    }

    private readonly ref struct Row<TLanes, TVector>(float* x, float* dy, float* gamma, float rstd)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        private readonly float* _x = x;
        private readonly float* _dy = dy;
        private readonly float* _gamma = gamma;
        private readonly TVector _rstd = TLanes.Create(rstd);

        public void AddParameterGradient(float* partialGamma, long columns)
        {
            long c = 0;
            for (; c <= columns - TLanes.Count; c += TLanes.Count)
            {
                var hat = Hat(TLanes.Load(_x + c));
                TLanes.Store(partialGamma + c, TLanes.MultiplyAdd(TLanes.Load(_dy + c), hat, TLanes.Load(partialGamma + c)));
            }

            if (c < columns)
            {
                var n = columns - c;
                var sum = TLanes.MultiplyAdd(Partial(_dy + c, n), Hat(Partial(_x + c, n)), Partial(partialGamma + c, n));
                Lanes.StorePartial<TLanes, TVector>(partialGamma + c, sum, n);
            }
        }

        public void InputGradient(float* dx, long columns, bool accumulate)
        {
            var sumGh = TLanes.Create(0);
            long c = 0;
            for (; c <= columns - TLanes.Count; c += TLanes.Count)
                Add(TLanes.Multiply(TLanes.Load(_dy + c), TLanes.Load(_gamma + c)), TLanes.Load(_x + c), ref sumGh);
            if (c < columns) // dy is filled with 0, so the lanes beyond the row add nothing
                Add(TLanes.Multiply(Partial(_dy + c, columns - c), Partial(_gamma + c, columns - c)), Partial(_x + c, columns - c),
                    ref sumGh);

            var meanGh = TLanes.Create(TLanes.Sum(sumGh) / columns);
            for (c = 0; c <= columns - TLanes.Count; c += TLanes.Count)
            {
                var d = Gradient(TLanes.Load(_x + c), TLanes.Load(_dy + c), TLanes.Load(_gamma + c), meanGh);
                TLanes.Store(dx + c, accumulate ? TLanes.Add(TLanes.Load(dx + c), d) : d);
            }

            if (c < columns)
            {
                var n = columns - c;
                var d = Gradient(Partial(_x + c, n), Partial(_dy + c, n), Partial(_gamma + c, n), meanGh);
                Lanes.StorePartial<TLanes, TVector>(dx + c, accumulate ? TLanes.Add(Partial(dx + c, n), d) : d, n);
            }
        }

        private static TVector Partial(float* source, long count) => Lanes.LoadPartial<TLanes, TVector>(source, count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TVector Hat(TVector x) => TLanes.Multiply(x, _rstd);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(TVector g, TVector x, ref TVector sumGh) => sumGh = TLanes.MultiplyAdd(g, Hat(x), sumGh);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TVector Gradient(TVector x, TVector dy, TVector gamma, TVector meanGh)
        {
            return TLanes.Multiply(_rstd, TLanes.Subtract(TLanes.Multiply(dy, gamma), TLanes.Multiply(Hat(x), meanGh)));
        }
    }
}
