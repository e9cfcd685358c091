using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>
/// y[o, i] = scale · reduction over r of x[o, r, i], or += when accumulating; x is contiguous [outer, reduced, inner], y [outer, inner].
/// </summary>
/// <remarks>
/// The reduced dimension is cut into chunks of fixed length. Where there are several, each leaves its result in the scratch memory and a
/// second pass reduces these in double precision.
/// </remarks>
internal readonly unsafe struct ReduceKernel<TRule> : IKernel
    where TRule : struct, IReduceRule
{
    private readonly FloatPointer _x;
    private readonly FloatPointer _y;
    private readonly float* _scratch;
    private readonly ReduceShape _shape;
    private readonly double _scale;
    private readonly bool _accumulate;

    public ReduceKernel(FloatPointer x, FloatPointer y, float* scratch, in ReduceShape shape, double scale = 1, bool accumulate = false)
    {
        _x = x;
        _y = y;
        _scratch = scratch;
        _shape = shape;
        _scale = scale;
        _accumulate = accumulate;
    }

    /// <inheritdoc/>
    public DType DType => _x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(_x);
        arguments.Add(_y);
        arguments.Add(_scratch);
        arguments.Add(_shape.Outer);
        arguments.Add(_shape.Reduced);
        arguments.Add(_shape.Inner);
        arguments.Add(_scale);
        arguments.Add(_accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, (double)_shape.Outer * _shape.Inner * ((_shape.Reduced * _x.ElementBytes) + _y.ElementBytes));

    public void Run(WorkerPool workers)
    {
        if (_shape.Outer == 0 || _shape.Inner == 0)
            return;
        var chunks = new ChunkBody(this);
        workers.For(_shape.Tasks, ref chunks);
        if (_shape.Chunks == 1)
            return;
        var combine = new CombineBody(this);
        workers.For(_shape.Outer * _shape.ColumnTiles, ref combine);
    }

    private void Write(long at, double value)
    {
        var result = (float)(value * _scale);
        _y.Set(at, _accumulate ? _y.Get(at) + result : result);
    }

    // Each item is one chunk of one tile of columns of one outer index.
    private readonly struct ChunkBody(ReduceKernel<TRule> kernel) : IParallelBody
    {
        public void Run(long index, int worker)
        {
            var shape = kernel._shape;
            var item = index * shape.ItemsPerTask;
            var end = Math.Min(shape.Items, item + shape.ItemsPerTask);
            var tile = item % shape.ColumnTiles;
            var chunk = item / shape.ColumnTiles % shape.Chunks;
            var outer = item / shape.ColumnTiles / shape.Chunks;
            for (; item < end; item++)
            {
                Reduce(shape, outer, chunk, tile * ReduceShape.ColumnTile);
                if (++tile < shape.ColumnTiles)
                    continue;
                tile = 0;
                if (++chunk < shape.Chunks)
                    continue;
                chunk = 0;
                outer++;
            }
        }

        // The buffer is written before it is read.
        [SkipLocalsInit]
        private void Reduce(in ReduceShape shape, long outer, long chunk, long column)
        {
            var rows = Math.Min(shape.ChunkRows, shape.Reduced - (chunk * shape.ChunkRows));
            var columns = (int)Math.Min(ReduceShape.ColumnTile, shape.Inner - column);
            var x = kernel._x.At((((outer * shape.Reduced) + (chunk * shape.ChunkRows)) * shape.Inner) + column);
            var y = (outer * shape.Inner) + column;
            var partial = kernel._scratch + (((outer * shape.Chunks) + chunk) * shape.Inner) + column;
            if (shape.Inner == 1)
            {
                var result = Row(x, rows);
                if (shape.Chunks == 1)
                    kernel.Write(y, result);
                else
                    *partial = (float)result;
                return;
            }

            var buffer = stackalloc float[ReduceShape.ColumnTile];
            var target = shape.Chunks == 1 ? buffer : partial;
            Columns(x, rows, shape.Inner, target, columns);
            if (shape.Chunks == 1)
                for (var i = 0; i < columns; i++)
                    kernel.Write(y + i, target[i]);
        }
    }

    // The tile is written before it is read.
    [SkipLocalsInit]
    private static double Row(FloatPointer x, long count)
    {
        if (x.IsFloat)
            return TRule.Row(x.Floats, count);
        var tile = stackalloc float[RowReductions.Block];
        double total = TRule.Identity;
        for (long i = 0; i < count; i += RowReductions.Block)
        {
            var n = Math.Min(RowReductions.Block, count - i);
            total = TRule.Combine(total, TRule.Row(x.At(i).Read(n, tile), n));
        }

        return total;
    }

    // 16-bit rows are widened four at a time, which is how many are reduced before a running result is touched.
    [SkipLocalsInit]
    private static void Columns(FloatPointer x, long rows, long stride, float* target, int columns)
    {
        if (x.IsFloat)
        {
            ColumnReductions.Run<TRule>(x.Floats, rows, stride, target, columns);
            return;
        }

        const int together = 4;
        var tile = stackalloc float[together * ReduceShape.ColumnTile];
        var part = stackalloc float[ReduceShape.ColumnTile];
        new Span<float>(target, columns).Fill(TRule.Identity);
        for (long row = 0; row < rows; row += together)
        {
            var count = Math.Min(together, rows - row);
            for (long r = 0; r < count; r++)
                x.At((row + r) * stride).Read(columns, tile + (r * columns));
            ColumnReductions.Run<TRule>(tile, count, columns, part, columns);
            for (var i = 0; i < columns; i++)
                target[i] = (float)TRule.Combine(target[i], part[i]);
        }
    }

    private readonly struct CombineBody(ReduceKernel<TRule> kernel) : IParallelBody
    {
        public void Run(long index, int worker)
        {
            var shape = kernel._shape;
            var outer = index / shape.ColumnTiles;
            var start = index % shape.ColumnTiles * ReduceShape.ColumnTile;
            var end = Math.Min(shape.Inner, start + ReduceShape.ColumnTile);
            for (var i = start; i < end; i++)
            {
                double total = TRule.Identity;
                for (long chunk = 0; chunk < shape.Chunks; chunk++)
                    total = TRule.Combine(total, kernel._scratch[(((outer * shape.Chunks) + chunk) * shape.Inner) + i]);
                kernel.Write((outer * shape.Inner) + i, total);
            }
        }
    }
}
