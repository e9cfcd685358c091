using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>What sums, means, maxima and the gradients of broadcasts share: reducing sets of dimensions.</summary>
internal static unsafe class Reduction
{
    /// <summary>The dimensions as bits; none means all.</summary>
    /// <exception cref="ArgumentException">No such dimension, or named twice.</exception>
    public static uint Dims(string op, Tensor x, ReadOnlySpan<int> dims)
    {
        if (dims.IsEmpty)
            return (1u << x.Dims) - 1;
        uint mask = 0;
        foreach (var dim in dims)
        {
            var bit = 1u << x.Shape.ResolveDim(dim);
            if ((mask & bit) != 0)
                throw new ArgumentException($"{op} of {x} names dimension {dim} twice.", nameof(dims));
            mask |= bit;
        }

        return mask;
    }

    /// <summary>The shape without the reduced dimensions, or with extents of 1 in their place.</summary>
    public static Shape ShapeOf(Shape shape, uint reduced, bool keepDims)
    {
        Span<long> extents = stackalloc long[shape.Dims];
        var count = 0;
        for (var i = 0; i < shape.Dims; i++)
        {
            var isReduced = (reduced & (1u << i)) != 0;
            if (!isReduced || keepDims)
                extents[count++] = isReduced ? 1 : shape.Extents[i];
        }

        return Shape.Create(extents[..count]);
    }

    /// <summary>How many elements are reduced to one.</summary>
    public static long CountOf(Shape shape, uint reduced)
    {
        long count = 1;
        for (var i = 0; i < shape.Dims; i++)
            if ((reduced & (1u << i)) != 0)
                count *= shape.Extents[i];
        return count;
    }

    /// <summary>target (+)= scale · the reduction of contiguous <paramref name="x"/>; target has the elements that are left.</summary>
    /// <remarks>
    /// Neighbouring reduced dimensions go together; where kept ones lie between, one group is reduced after the other, the innermost first.
    /// </remarks>
    public static void Run<TRule>(Tensor x, uint reduced, GradientTarget target, double scale = 1)
        where TRule : struct, IReduceRule
    {
        var shape = x.Shape;
        while (true)
        {
            var (group, outer, count, inner) = InnermostGroup(shape, reduced);
            var isLast = (reduced & ~group) == 0;
            var next = ShapeOf(shape, group, keepDims: true);
            var result = isLast
                ? target
                : new GradientTarget(x.Context.Empty(next, DType.F32, MemoryKind.Activation, "partial reduction"), Accumulate: false);
            Launch<TRule>(x, new ReduceShape(outer, count, inner), result, isLast ? scale : 1);
            if (isLast)
                return;
            (x, shape, reduced) = (result.Tensor, next, reduced & ~group);
        }
    }

    private static void Launch<TRule>(Tensor x, ReduceShape shape, GradientTarget target, double scale)
        where TRule : struct, IReduceRule
    {
        using var scratch = x.Context.RentWorkspace(shape.WorkspaceBytes);
        x.Context.Launch(new ReduceKernel<TRule>(
            x.Floats(), target.Tensor.Floats(), scratch.Floats, shape, scale, target.Accumulate));
    }

    // The last run of reduced dimensions (extents of 1 break no run and start none) and the sizes around it.
    private static (uint Group, long Outer, long Count, long Inner) InnermostGroup(Shape shape, uint reduced)
    {
        uint group = 0;
        long outer = 1, count = 1, inner = 1;
        var (started, ended) = (false, false);
        for (var i = shape.Dims - 1; i >= 0; i--)
        {
            var extent = shape.Extents[i];
            var bit = reduced & (1u << i);
            if (extent == 1 || (bit != 0 && !ended))
            {
                group |= bit;
                count *= extent;
                started |= extent != 1;
            }
            else if (started)
            {
                outer *= extent;
                ended = true;
            }
            else
            {
                inner *= extent;
            }
        }

        return (group, outer, count, inner);
    }
}
