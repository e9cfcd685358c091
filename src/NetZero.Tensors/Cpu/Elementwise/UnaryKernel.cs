using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>y = f(x) elementwise, or += when accumulating; any strides and broadcasts, f given by <typeparamref name="TRule"/>.</summary>
internal readonly unsafe struct UnaryKernel<TRule> : IKernel, IParallelBody
    where TRule : struct, IUnaryRule
{
    private readonly TRule _rule;
    private readonly FloatPointer _x;
    private readonly FloatPointer _y;
    private readonly bool _accumulate;
    private readonly StridedPlan _plan;

    public UnaryKernel(TRule rule, FloatPointer x, FloatPointer y, in StridedPlan plan, bool accumulate = false)
    {
        _rule = rule;
        _x = x;
        _y = y;
        _plan = plan;
        _accumulate = accumulate;
    }

    /// <inheritdoc/>
    public DType DType => _x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.AddRule(_rule);
        arguments.Add(_x);
        arguments.Add(_y);
        _plan.Describe(ref arguments, 2);
        arguments.Add(_accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(_plan.Rows * _plan.RowLength, _x.ElementBytes + (_y.ElementBytes * (_accumulate ? 2 : 1)));

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
        var x = _x.At(at.Offset1);
        var (yStride, xStride) = (_plan.RowStride(0), _plan.RowStride(1));
        if (yStride == 1 && xStride == 1 && y.IsFloat && x.IsFloat)
        {
            UnaryLoop.Run(_rule, x.Floats, y.Floats, at.Count, _accumulate);
            return;
        }

        var buffer = stackalloc float[2 * Tile.Length];
        for (long i = 0; i < at.Count; i += Tile.Length)
        {
            var count = (int)Math.Min(Tile.Length, at.Count - i);
            var to = y.At(i * yStride);
            var xTile = x.At(i * xStride).Read(xStride, count, buffer + Tile.Length);
            var yTile = _accumulate ? to.Read(yStride, count, buffer) : yStride == 1 ? to.Target(buffer) : buffer;
            UnaryLoop.Run(_rule, xTile, yTile, count, _accumulate);
            to.Write(yTile, yStride, count);
        }
    }
}
