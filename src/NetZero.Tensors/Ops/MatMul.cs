namespace NetZero.Tensors;

/// <summary>
/// c[..., i, j] = sum over p of a[..., i, p] · b[..., p, j]. Shapes: a [..., m, k], b [..., k, n], c [..., m, n]; the leading dimensions broadcast.
/// Saves a and b. Backward: da = dc · b^T, db = a^T · dc, both summed over the dimensions that were broadcast.
/// </summary>
public static class MatMulOp
{
    /// <summary>Multiplies matrices, batch by batch. Transposed and other views are read where they are, not copied.</summary>
    /// <exception cref="ArgumentException">Shapes that do not fit.</exception>
    public static Tensor MatMul(this Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        SameContext.Check("MatMul", a, b);
        if (a.Dims < 2 || b.Dims < 2)
            throw new ArgumentException($"MatMul of {a} and {b}: both need at least two dimensions; Reshape a vector to one row or one column.");
        if (a.Shape[^1] != b.Shape[^2])
        {
            throw new ArgumentException(
                $"MatMul of {a} and {b}: the last extent of the first, {a.Shape[^1]}, must be the last but one of the second, {b.Shape[^2]}; Transpose one of them.");
        }

        // One matrix for all rows: one large multiplication instead of a batch of small ones, and its gradient too.
        if (b.Dims == 2 && a.Dims > 2 && a.IsContiguous)
            return a.Linear(b);
        var batches = GemmLaunch.BatchShape(a, b);
        var c = a.Context.ResultOf(KeptOps.MatMul, Shape.Create([.. batches.Extents, a.Shape[^2], b.Shape[^1]]), Elementwise.CommonType(a, b), out var known);
        if (!known)
            GemmLaunch.Batched(a, b, c, accumulate: false);
        return GradientNode.Records(a, b) ? c.Attach(new Node(a, b)) : c;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _a;
        private readonly Tensor _b;

        public Node(Tensor a, Tensor b)
            : base(a, b)
        {
            _a = Save(a);
            _b = Save(b);
        }

        public override string Name => "MatMul";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
            {
                var da = sink.Target(0);
                GemmLaunch.Batched(dOutput, _b.Transpose(), da.Tensor, da.Accumulate);
            }

            if (sink.Needs(1))
            {
                var db = sink.Target(1);
                GemmLaunch.Batched(_a.Transpose(), dOutput, db.Tensor, db.Accumulate);
            }
        }
    }
}
