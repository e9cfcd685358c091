using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Elementwise;

/// <summary>Strides, broadcasts and task cuts. The rules used here round once, so that results must equal the rounded reference.</summary>
[Trait("Category", "Kernel")]
public unsafe class StridedKernelTests
{
    public static TheoryData<long[], long[], long[], long[]> Layouts => new()
    {
        // extents, strides of y, a, b
        { [], [], [], [] },
        { [1], [1], [0], [1] },
        { [7], [1], [1], [0] },
        { [5, 9], [9, 1], [9, 1], [0, 1] },
        { [5, 9], [9, 1], [1, 5], [1, 0] },
        { [3, 4, 130], [520, 130, 1], [130, 390, 1], [0, 1, 4] },
        { [4, 3, 600], [1800, 600, 1], [1, 4, 12], [0, 0, 0] },
        { [3, 600], [1, 3], [600, 1], [0, 2] },
        { [2, 3, 1, 2, 5, 1], [30, 10, 10, 5, 1, 1], [1, 2, 0, 6, 12, 9], [0, 0, 0, 1, 2, 0] },
        { [40000], [1], [1], [1] },
        { [40000], [1], [2], [0] },
        { [3, 20000], [20000, 1], [0, 1], [1, 0] },
        { [9000, 7], [7, 1], [1, 9000], [0, 1] },
        { [3, 0, 2], [0, 2, 1], [0, 2, 1], [0, 2, 1] },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Kernels_AnyStrides_MatchTheReferenceForAnyNumberOfThreads(long[] extents, long[] yStrides, long[] aStrides, long[] bStrides)
    {
        var elements = extents.Aggregate(1L, (x, y) => x * y);
        var a = PinnedFloats.Random(Span(extents, aStrides), 1);
        var b = PinnedFloats.Random(Span(extents, bStrides), 2);
        var plan = StridedPlan.Strided(extents, yStrides, aStrides, bStrides);
        foreach (var threads in new[] { 1, 3 })
        {
            using var workers = new WorkerPool(threads);
            var y = new PinnedFloats(Span(extents, yStrides) + 3, 5);
            new BinaryKernel<MultiplyRule>(default, a.Pointer, b.Pointer, y.Pointer, plan).Run(workers);
            var sum = new PinnedFloats(y.Length, 0.5f);
            new BinaryKernel<MultiplyRule>(default, a.Pointer, b.Pointer, sum.Pointer, plan, accumulate: true).Run(workers);
            var single = new PinnedFloats(y.Length, 5);
            new UnaryKernel<AbsRule>(default, a.Pointer, single.Pointer, StridedPlan.Strided(extents, yStrides, aStrides)).Run(workers);
            for (long i = 0; i < elements; i++)
            {
                var at = ElementwiseReference.Offset(i, extents, yStrides);
                var product = (float)ElementwiseReference.Binary(default(MultiplyRule), a.Pointer, b.Pointer, i, extents, aStrides, bStrides);
                Assert.Equal(product, y[at]);
                Assert.Equal(0.5f + product, sum[at]);
                Assert.Equal((float)ElementwiseReference.Unary(default(AbsRule), a.Pointer, i, extents, aStrides), single[at]);
            }

            Assert.Equal([5f, 5f, 5f], y.Span[^3..].ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Select_ByteConditions_MatchesTheReference(long[] extents, long[] yStrides, long[] aStrides, long[] bStrides)
    {
        var elements = extents.Aggregate(1L, (x, y) => x * y);
        var a = PinnedFloats.Random(Span(extents, aStrides), 1);
        var b = PinnedFloats.Random(Span(extents, bStrides), 2);
        var values = new PinnedFloats(Span(extents, bStrides));
        var bytes = new byte[values.Length + 1];
        for (var i = 0; i < values.Length; i++)
            values[i] = bytes[i] = (byte)(i * 7 % 3);
        using var workers = new WorkerPool(2);
        var y = new PinnedFloats(Span(extents, yStrides) + 1);
        fixed (byte* condition = bytes)
        {
            var plan = StridedPlan.Strided(extents, yStrides, bStrides, aStrides, bStrides);
            new TernaryKernel<SelectRule>(default, condition, a.Pointer, b.Pointer, y.Pointer, plan).Run(workers);
        }

        for (long i = 0; i < elements; i++)
        {
            var expected = ElementwiseReference.Ternary(default(SelectRule), values.Pointer, a.Pointer, b.Pointer, i, extents, bStrides, aStrides, bStrides);
            Assert.Equal((float)expected, y[ElementwiseReference.Offset(i, extents, yStrides)]);
        }
    }

    [Fact]
    public void StridedPlan_NineDimensions_SaysHowManyThereMayBe()
    {
        var nine = Enumerable.Repeat(2L, 9).ToArray();
        var error = Assert.Throws<NotSupportedException>(() => StridedPlan.Strided(nine, nine, nine));
        Assert.Contains("at most 8 dimensions", error.Message, StringComparison.Ordinal);
    }

    private static long Span(long[] extents, long[] strides)
    {
        if (extents.Contains(0))
            return 0;
        return 1 + extents.Zip(strides, (extent, stride) => (extent - 1) * stride).Sum();
    }
}
