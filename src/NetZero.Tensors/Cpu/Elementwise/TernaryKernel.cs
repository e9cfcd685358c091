using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = f(a, b, c) elementwise, or += when accumulating; any strides and broadcasts, f given by <typeparamref name="TRule"/>.
/// </summary>
internal readonly unsafe struct TernaryKernel<TRule> : IKernel, IParallelBody
    where TRule : struct, ITernaryRule
{
    private readonly TRule _rule;
    private readonly float* _a;
    private readonly float* _b;
    private readonly float* _c;
    private readonly byte* _condition;
    private readonly float* _y;
    private readonly bool _accumulate;
    private readonly StridedPlan _plan;

    public TernaryKernel(TRule rule, float* a, float* b, float* c, float* y, in StridedPlan plan, bool accumulate = false)
    {
        _rule = rule;
        _a = a;
        _b = b;
        _c = c;
        _y = y;
        _plan = plan;
        _accumulate = accumulate;
    }

    /// <summary>The first operand given as bytes: a condition.</summary>
    public TernaryKernel(TRule rule, byte* condition, float* b, float* c, float* y, in StridedPlan plan, bool accumulate = false)
        : this(rule, (float*)null, b, c, y, plan, accumulate) =>
        _condition = condition;

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Pass((_accumulate ? 5 : 4) * _plan.Rows * _plan.RowLength);

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For(_plan.Tasks, ref body);
    }

    public void Run(long index, int worker)
    {
        var segment = _plan.First(index);
        do
            Row(segment);
        while (_plan.Next(ref segment));
    }

    // The tiles are written before they are read.
    [SkipLocalsInit]
    private void Row(in StridedSegment at)
    {
        var y = _y + at.Offset0;
        var a = _condition == null ? _a + at.Offset1 : null;
        var condition = _condition == null ? null : _condition + at.Offset1;
        var b = _b + at.Offset2;
        var c = _c + at.Offset3;
        var (yStride, aStride, bStride, cStride) = (_plan.RowStride(0), _plan.RowStride(1), _plan.RowStride(2), _plan.RowStride(3));
        if (condition == null && yStride == 1 && aStride == 1 && bStride == 1 && cStride == 1)
        {
            TernaryLoop.Run(_rule, a, b, c, y, at.Count, _accumulate);
            return;
        }

        var buffer = stackalloc float[4 * Tile.Length];
        for (long i = 0; i < at.Count; i += Tile.Length)
        {
            var count = (int)Math.Min(Tile.Length, at.Count - i);
            var aTile = condition == null
                ? Tile.Read(a + (i * aStride), aStride, buffer + Tile.Length, count)
                : Tile.Read(condition + (i * aStride), aStride, buffer + Tile.Length, count);
            var bTile = Tile.Read(b + (i * bStride), bStride, buffer + (2 * Tile.Length), count);
            var cTile = Tile.Read(c + (i * cStride), cStride, buffer + (3 * Tile.Length), count);
            var yTile = yStride == 1 || _accumulate ? Tile.Read(y + (i * yStride), yStride, buffer, count) : buffer;
            TernaryLoop.Run(_rule, aTile, bTile, cTile, yTile, count, _accumulate);
            if (yStride != 1)
                Tile.Scatter(yTile, y + (i * yStride), yStride, count);
        }
    }
}
