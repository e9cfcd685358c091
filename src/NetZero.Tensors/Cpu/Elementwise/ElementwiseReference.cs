namespace NetZero.Tensors.Cpu;

/// <summary>What <see cref="UnaryKernel{TRule}"/> and its siblings compute, one element at a time in double precision.</summary>
internal static unsafe class ElementwiseReference
{
    /// <summary>f of element <paramref name="i"/> in row-major order.</summary>
    public static double Unary<TRule>(TRule rule, float* x, long i, ReadOnlySpan<long> extents, ReadOnlySpan<long> xStrides)
        where TRule : struct, IUnaryRule =>
        rule.Reference(x[Offset(i, extents, xStrides)]);

    /// <inheritdoc cref="Unary"/>
    public static double Binary<TRule>(
        TRule rule, float* a, float* b, long i, ReadOnlySpan<long> extents, ReadOnlySpan<long> aStrides, ReadOnlySpan<long> bStrides)
        where TRule : struct, IBinaryRule =>
        rule.Reference(a[Offset(i, extents, aStrides)], b[Offset(i, extents, bStrides)]);

    /// <inheritdoc cref="Unary"/>
    public static double Ternary<TRule>(
        TRule rule,
        float* a,
        float* b,
        float* c,
        long i,
        ReadOnlySpan<long> extents,
        ReadOnlySpan<long> aStrides,
        ReadOnlySpan<long> bStrides,
        ReadOnlySpan<long> cStrides)
        where TRule : struct, ITernaryRule =>
        rule.Reference(a[Offset(i, extents, aStrides)], b[Offset(i, extents, bStrides)], c[Offset(i, extents, cStrides)]);

    /// <summary>Where element <paramref name="i"/> of a strided view is, counted from its first element.</summary>
    public static long Offset(long i, ReadOnlySpan<long> extents, ReadOnlySpan<long> strides)
    {
        long offset = 0;
        for (var dim = extents.Length - 1; dim >= 0; dim--)
        {
            offset += i % extents[dim] * strides[dim];
            i /= extents[dim];
        }

        return offset;
    }
}
