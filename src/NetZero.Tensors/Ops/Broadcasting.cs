namespace NetZero.Tensors;

/// <summary>Common shapes of operands, as NumPy and PyTorch broadcast.</summary>
internal static class Broadcasting
{
    /// <summary>The shape that both operands expand to.</summary>
    /// <exception cref="ArgumentException">Two extents differ and neither is 1.</exception>
    public static Shape CommonShape(string op, Tensor a, Tensor b)
    {
        if (a.Shape == b.Shape)
            return a.Shape;
        var extents = new long[Math.Max(a.Dims, b.Dims)];
        for (var i = 1; i <= extents.Length; i++)
        {
            var (left, right) = (i <= a.Dims ? a.Shape[^i] : 1, i <= b.Dims ? b.Shape[^i] : 1);
            if (left != right && left != 1 && right != 1)
                throw new ArgumentException($"{op} of {a} and {b}: extents {left} and {right} differ and neither is 1.");
            extents[^i] = left == 1 ? right : left;
        }

        return Shape.Create(extents);
    }

    /// <summary>Both operands, expanded to their common shape.</summary>
    /// <exception cref="ArgumentException">Two extents differ and neither is 1.</exception>
    public static (Tensor A, Tensor B) Expand(string op, Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        SameContext.Check(op, a, b);
        var shape = CommonShape(op, a, b);
        return (a.Expand(shape), b.Expand(shape));
    }
}
