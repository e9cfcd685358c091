using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>From tensors of any strides to launches of <see cref="GemmKernel"/>.</summary>
internal static unsafe class GemmLaunch
{
    /// <summary>C [m, n] (+)= A [m, k] · B [k, n] (+ bias), once, with workspace for the call.</summary>
    public static void Single(
        TensorContext context, long m, long n, long k, GemmMatrix a, GemmMatrix b, GemmMatrix c, bool accumulate, FloatPointer bias = default) =>
        Batch(context, m, n, k, 1, a, b, c, accumulate, bias);

    /// <summary>
    /// C (+)= A · B over the last two dimensions of each. Leading dimensions are aligned at the end and broadcast. Where C has fewer than A and B
    /// have (the gradient of an operand that was broadcast), the products that fall on one element are added up in row-major order.
    /// </summary>
    /// <param name="a">[..., m, k], any strides.</param>
    /// <param name="b">[..., k, n], any strides.</param>
    /// <param name="c">[..., m, n], column stride 1.</param>
    /// <param name="accumulate">Whether C is added to.</param>
    public static void Batched(Tensor a, Tensor b, Tensor c, bool accumulate)
    {
        var (m, n, k) = (c.Shape[^2], c.Shape[^1], a.Shape[^1]);
        var batches = BatchShape(a, b);
        var (aStrides, bStrides, cStrides) = (BatchStrides(a, batches), BatchStrides(b, batches), BatchStrides(c, batches));
        if (batches.Elements == 0 && !accumulate)
            c.Fill(0);

        // The innermost batch dimension in one launch, unless its items fall on the same C; the others one launch each.
        var inner = batches.Dims - 1;
        var together = batches.Dims > 0 && (cStrides[inner] != 0 || batches.Extents[inner] == 1);
        var extent = together ? batches.Extents[inner] : 1;
        var index = new long[batches.Dims];
        for (long launch = 0; launch < (extent == 0 ? 0 : batches.Elements / extent); launch++)
        {
            Batch(
                c.Context, m, n, k, extent,
                new GemmMatrix(a.Floats().At(Dot(index, aStrides)), a.Strides[^2], a.Strides[^1], together ? aStrides[inner] : 0),
                new GemmMatrix(b.Floats().At(Dot(index, bStrides)), b.Strides[^2], b.Strides[^1], together ? bStrides[inner] : 0),
                new GemmMatrix(c.Floats().At(Dot(index, cStrides)), c.Strides[^2], 1, together ? cStrides[inner] : 0),
                accumulate || IsRepeat(index, cStrides), default);
            for (var dim = together ? inner - 1 : inner; dim >= 0 && ++index[dim] == batches.Extents[dim]; dim--)
                index[dim] = 0;
        }
    }

    /// <summary>The leading dimensions of a product: those of both operands, broadcast.</summary>
    /// <exception cref="ArgumentException">Extents that differ and of which none is 1.</exception>
    public static Shape BatchShape(Tensor a, Tensor b)
    {
        var extents = new long[Math.Max(a.Dims, b.Dims) - 2];
        for (var i = 1; i <= extents.Length; i++)
        {
            var left = i <= a.Dims - 2 ? a.Shape[^(i + 2)] : 1;
            var right = i <= b.Dims - 2 ? b.Shape[^(i + 2)] : 1;
            if (left != right && left != 1 && right != 1)
                throw new ArgumentException($"MatMul of {a} and {b}: leading dimensions {left} and {right} can only be multiplied when equal or 1; Expand or Reshape one of them.");
            extents[^i] = left == 1 ? right : left;
        }

        return Shape.Create(extents);
    }

    private static void Batch(
        TensorContext context, long m, long n, long k, long batch, GemmMatrix a, GemmMatrix b, GemmMatrix c, bool accumulate, FloatPointer bias)
    {
        using var workspace = context.RentWorkspace(GemmKernel.WorkspaceBytes(
            m, n, k, context.Threads, widens: !a.Elements.IsFloat || !b.Elements.IsFloat, narrows: !c.Elements.IsFloat, widensBias: !bias.IsFloat));
        context.Launch(new GemmKernel(m, n, k, batch, a, b, c, accumulate, bias, workspace.Floats));
    }

    private static long[] BatchStrides(Tensor tensor, Shape batches)
    {
        var strides = new long[batches.Dims];
        var own = tensor.Strides;
        for (var i = 1; i <= Math.Min(batches.Dims, tensor.Dims - 2); i++)
            strides[^i] = tensor.Shape[^(i + 2)] == 1 ? 0 : own[^(i + 2)];
        return strides;
    }

    // Whether an earlier launch has written to the same C.
    private static bool IsRepeat(long[] index, long[] strides)
    {
        for (var dim = 0; dim < index.Length; dim++)
        {
            if (strides[dim] == 0 && index[dim] > 0)
                return true;
        }

        return false;
    }

    private static long Dot(long[] index, long[] strides)
    {
        long sum = 0;
        for (var dim = 0; dim < index.Length; dim++)
            sum += index[dim] * strides[dim];
        return sum;
    }
}
