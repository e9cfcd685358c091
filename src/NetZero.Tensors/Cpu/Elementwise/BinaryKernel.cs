using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y = f(a, b) elementwise, or += when accumulating; any strides and broadcasts, f given by <typeparamref name="TRule"/>.
/// </summary>
internal readonly unsafe struct BinaryKernel<TRule> : IKernel, IParallelBody
    where TRule : struct, IBinaryRule
{
    private readonly TRule _rule;
    private readonly FloatPointer _a;
    private readonly FloatPointer _b;
    private readonly byte* _condition;
    private readonly FloatPointer _y;
    private readonly bool _accumulate;
    private readonly StridedPlan _plan;

    public BinaryKernel(TRule rule, FloatPointer a, FloatPointer b, FloatPointer y, in StridedPlan plan, bool accumulate = false)
    {
        _rule = rule;
        _a = a;
        _b = b;
        _y = y;
        _plan = plan;
        _accumulate = accumulate;
    }

    /// <summary>The first operand given as bytes: a condition.</summary>
    public BinaryKernel(TRule rule, byte* condition, FloatPointer b, FloatPointer y, in StridedPlan plan, bool accumulate = false)
        : this(rule, (float*)null, b, y, plan, accumulate) =>
        _condition = condition;

    /// <inheritdoc/>
    public DType DType => _condition == null ? _a.DType : _b.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.AddRule(_rule);
        arguments.Add(_a);
        arguments.Add(_condition);
        arguments.Add(_b);
        arguments.Add(_y);
        _plan.Describe(ref arguments, 3);
        arguments.Add(_accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(
        _plan.Rows * _plan.RowLength, (_condition == null ? _a.ElementBytes : 1) + _b.ElementBytes + (_y.ElementBytes * (_accumulate ? 2 : 1)));

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
        var y = _y.At(at.Offset0);
        var a = _a.At(at.Offset1);
        var condition = _condition == null ? null : _condition + at.Offset1;
        var b = _b.At(at.Offset2);
        var (yStride, aStride, bStride) = (_plan.RowStride(0), _plan.RowStride(1), _plan.RowStride(2));
        if (condition == null && yStride == 1 && aStride == 1 && bStride == 1 && a.IsFloat && b.IsFloat && y.IsFloat)
        {
            BinaryLoop.Run(_rule, a.Floats, b.Floats, y.Floats, at.Count, _accumulate);
            return;
        }

        var buffer = stackalloc float[3 * Tile.Length];
        for (long i = 0; i < at.Count; i += Tile.Length)
        {
            var count = (int)Math.Min(Tile.Length, at.Count - i);
            var to = y.At(i * yStride);
            var aTile = condition == null
                ? a.At(i * aStride).Read(aStride, count, buffer + Tile.Length)
                : Tile.Read(condition + (i * aStride), aStride, buffer + Tile.Length, count);
            var bTile = b.At(i * bStride).Read(bStride, count, buffer + (2 * Tile.Length));
            var yTile = _accumulate ? to.Read(yStride, count, buffer) : yStride == 1 ? to.Target(buffer) : buffer;
            BinaryLoop.Run(_rule, aTile, bTile, yTile, count, _accumulate);
            to.Write(yTile, yStride, count);
        }
    }
}
