using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Copies;

[Trait("Category", "Kernel")]
public unsafe class CopyKernelTests
{
    // extents, source strides, destination strides: rows, transposes with whole and broken bands, permutations, repeats, gaps.
    public static TheoryData<long[], long[], long[]> Layouts => new()
    {
        { [], [], [] },
        { [1], [3], [5] },
        { [130], [1], [1] },
        { [130], [3], [2] },
        { [5, 7], [1, 5], [7, 1] },
        { [64, 130], [1, 64], [130, 1] },
        { [33, 31], [1, 33], [31, 1] },
        { [100, 3], [1, 100], [3, 1] },
        { [4, 70, 9], [630, 1, 70], [630, 9, 1] },
        { [70, 4, 9], [1, 70, 280], [36, 9, 1] },
        { [3, 40, 2, 8], [640, 8, 320, 1], [640, 16, 8, 1] },
        { [6, 50], [0, 1], [50, 1] },
        { [6, 50], [1, 0], [50, 1] },
        { [40, 40], [40, 1], [1, 40] },
        { [2, 0, 3], [0, 3, 1], [0, 3, 1] },
        { [300, 200], [1, 300], [200, 1] },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void StridedCopy_AnyStridesAndElementSize_MatchesTheReference(long[] extents, long[] sourceStrides, long[] destinationStrides)
    {
        foreach (var elementBytes in new[] { 1, 2, 4, 8 })
        {
            var source = new byte[(Reach(extents, sourceStrides) * elementBytes) + 1];
            new Random(elementBytes).NextBytes(source);
            var expected = new byte[(Reach(extents, destinationStrides) + 3) * elementBytes];
            var actual = new byte[expected.Length];
            fixed (byte* from = source, to = expected, result = actual)
            {
                for (long i = 0; i < extents.Aggregate(1L, (x, y) => x * y); i++)
                    CopyReference.Strided(from, to, elementBytes, i, extents, sourceStrides, destinationStrides);
                foreach (var threads in new[] { 1, 3 })
                {
                    using var workers = new WorkerPool(threads);
                    actual.AsSpan().Clear();
                    new StridedCopyKernel(from, result, elementBytes, extents, sourceStrides, destinationStrides).Run(workers);
                    Assert.Equal(expected, actual);
                }
            }
        }
    }

    [Fact]
    public void StridedCopy_EveryLengthTo130_TransposesExactly()
    {
        for (var n = 1; n <= 130; n++)
            StridedCopy_AnyStridesAndElementSize_MatchesTheReference([n, 5], [1, n], [5, 1]);
    }

    private static long Reach(long[] extents, long[] strides) =>
        extents.Contains(0) ? 0 : 1 + extents.Zip(strides, (extent, stride) => (extent - 1) * stride).Sum();
}
