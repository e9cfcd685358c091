namespace NetZero.Tensors.Cpu;

/// <summary>y[o, j, i] = x[o, index[o, j, i], i]; x [outer, extent, inner], index and y [outer, count, inner], all contiguous.</summary>
/// <remarks>An index outside of [0, extent) throws an <see cref="ArgumentOutOfRangeException"/> that names it.</remarks>
internal readonly unsafe struct GatherKernel(byte* x, int elementBytes, GatherIndices indices, byte* y) : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public DType DType => DTypes.OfWidth(elementBytes);

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(elementBytes);
        indices.Describe(ref arguments);
        arguments.Add(y);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, 2.0 * indices.Elements * elementBytes);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((indices.Elements + StridedPlan.ElementsPerTask - 1) / StridedPlan.ElementsPerTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var start = index * StridedPlan.ElementsPerTask;
        var end = Math.Min(indices.Elements, start + StridedPlan.ElementsPerTask);
        switch (elementBytes)
        {
            case 1: Copy<byte>(start, end); break;
            case 2: Copy<ushort>(start, end); break;
            case 4: Copy<uint>(start, end); break;
            default: Copy<ulong>(start, end); break;
        }
    }

    private void Copy<T>(long start, long end)
        where T : unmanaged
    {
        for (var i = start; i < end; i++)
            ((T*)y)[i] = ((T*)x)[indices.SourceOf(i)];
    }
}

/// <summary>dx[o, index[o, j, i], i] += dy[o, j, i]: the gradient of <see cref="GatherKernel"/>. dx holds what is added to.</summary>
/// <remarks>
/// Each task owns a tile of columns of one outer index and adds in the order of j: the sums do not depend on the threads.
/// </remarks>
internal readonly unsafe struct GatherBackwardKernel(GatherIndices indices, float* dy, float* dx) : IKernel, IParallelBody
{
    private const long ColumnTile = 64;

    private long Tiles => (indices.Inner + ColumnTile - 1) / ColumnTile;

    /// <inheritdoc/>
    public DType DType => DType.F32;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        indices.Describe(ref arguments);
        arguments.Add(dy);
        arguments.Add(dx);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass(3 * indices.Elements);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(indices.Outer * Tiles, ref body);
    }

    public void Run(long index, int worker)
    {
        var outer = index / Tiles;
        var start = index % Tiles * ColumnTile;
        var end = Math.Min(indices.Inner, start + ColumnTile);
        for (long j = 0; j < indices.Count; j++)
        {
            for (var column = start; column < end; column++)
            {
                var at = (((outer * indices.Count) + j) * indices.Inner) + column;
                dx[indices.SourceOf(at)] += dy[at];
            }
        }
    }
}
