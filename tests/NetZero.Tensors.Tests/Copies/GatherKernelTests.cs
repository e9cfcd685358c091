using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests.Copies;

/// <summary>y[o, j, i] = x[o, index[o, j, i], i] and its gradient, element by element.</summary>
[Trait("Category", "Kernel")]
public unsafe class GatherKernelTests
{
    [Fact]
    public void Gather_EveryLengthTo130_MatchesTheDefinition()
    {
        for (var n = 1; n <= 130; n++)
        {
            Check(outer: 2, extent: 5, count: 3, inner: n);
            Check(outer: 1, extent: n, count: n, inner: 2);
        }

        Check(outer: 3, extent: 40, count: 90, inner: 70); // several tasks and tiles of columns
    }

    private static void Check(int outer, int extent, int count, int inner)
    {
        var random = new Random(inner);
        var index = new long[outer * count * inner];
        foreach (ref var i in index.AsSpan())
            i = random.Next(extent);
        int[] narrow = [.. index.Select(i => (int)i)];
        fixed (long* wide = index)
        fixed (int* slim = narrow)
        {
            foreach (var (pointer, dtype) in new[] { ((nint)wide, DType.I64), ((nint)slim, DType.I32) })
            {
                var indices = new GatherIndices((void*)pointer, dtype, outer, extent, count, inner);
                foreach (var elementBytes in new[] { 1, 2, 4, 8 })
                    CheckForward(indices, index, elementBytes, outer * extent * inner, extent, count, inner);
                CheckBackward(indices, index, outer * extent * inner, extent, count, inner);
            }
        }
    }

    private static int Source(long[] index, int at, int extent, int count, int inner) =>
        (((at / (count * inner) * extent) + (int)index[at]) * inner) + (at % inner);

    private static void CheckForward(GatherIndices indices, long[] index, int elementBytes, int elements, int extent, int count, int inner)
    {
        var x = new byte[elements * elementBytes];
        new Random(3).NextBytes(x);
        var y = new byte[(index.Length + 1) * elementBytes];
        using var workers = new WorkerPool(2);
        fixed (byte* from = x, to = y)
            new GatherKernel(from, elementBytes, indices, to).Run(workers);
        for (var at = 0; at < index.Length; at++)
        {
            var expected = x.AsSpan(Source(index, at, extent, count, inner) * elementBytes, elementBytes);
            Assert.True(expected.SequenceEqual(y.AsSpan(at * elementBytes, elementBytes)), $"element {at} of {elementBytes} bytes, inner {inner}");
        }

        Assert.All(y[^elementBytes..], guard => Assert.Equal(0, guard));
    }

    private static void CheckBackward(GatherIndices indices, long[] index, int elements, int extent, int count, int inner)
    {
        var (dy, dx) = (PinnedFloats.Random(index.Length, 4), new PinnedFloats(elements, 0.5f));
        using var workers = new WorkerPool(2);
        new GatherBackwardKernel(indices, dy.Pointer, dx.Pointer).Run(workers);

        // The order of additions is that of j, which is part of what the kernel promises: so the bits are these.
        var expected = new float[elements];
        Array.Fill(expected, 0.5f);
        for (var at = 0; at < index.Length; at++)
            expected[Source(index, at, extent, count, inner)] += dy[at];
        Assert.Equal(expected, dx.ToArray());
    }
}
