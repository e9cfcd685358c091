using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class EmbeddingKernelTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(70, 5, 33)]
    [InlineData(100, 13, 130)]
    [InlineData(64, 256, 384)]
    public void Forward_IdsOfEitherWidth_GathersRows(int count, int vocabulary, int columns)
    {
        using var workers = new WorkerPool(2);
        var ids = Ids(count, vocabulary);
        var narrow = new int[count];
        for (var i = 0; i < count; i++)
            narrow[i] = (int)ids[i];
        var weight = PinnedFloats.Random((long)vocabulary * columns, 1);
        var wide = new PinnedFloats((long)count * columns);
        var slim = new PinnedFloats((long)count * columns);
        fixed (long* pinned = ids)
            new EmbeddingForwardKernel(pinned, DType.I64, weight.Pointer, wide.Pointer, count, vocabulary, columns).Run(workers);
        fixed (int* pinned = narrow)
            new EmbeddingForwardKernel(pinned, DType.I32, weight.Pointer, slim.Pointer, count, vocabulary, columns).Run(workers);
        for (var i = 0; i < count; i++)
            Assert.Equal(weight.Span.Slice((int)ids[i] * columns, columns).ToArray(), wide.Span.Slice(i * columns, columns).ToArray());
        Assert.Equal(wide.ToArray(), slim.ToArray());
    }

    [Fact]
    public void ForwardAndBackward_EveryLengthTo130_MatchTheReference()
    {
        for (var n = 1; n <= 130; n++)
        {
            Forward_IdsOfEitherWidth_GathersRows(9, 5, n);
            Forward_IdsOfEitherWidth_GathersRows(n, 7, 3);
            Backward_RepeatedIds_SumsTheirRows(9, 5, n);
            Backward_RepeatedIds_SumsTheirRows(n, 7, 3);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(7)]
    public void Forward_IdOutsideOfTheVocabulary_NamesIdAndVocabulary(long id)
    {
        using var workers = new WorkerPool();
        var ids = Ids(3, 7);
        ids[2] = id;
        var (weight, y) = (new PinnedFloats(7 * 4), new PinnedFloats(3 * 4));
        var error = Assert.Throws<ArgumentException>(() =>
        {
            fixed (long* pinned = ids)
                new EmbeddingForwardKernel(pinned, DType.I64, weight.Pointer, y.Pointer, 3, 7, 4).Run(workers);
        });
        Assert.Contains($"id {id} at position 2 is outside of the vocabulary of 7", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(70, 5, 33)]
    [InlineData(100, 13, 130)]
    [InlineData(64, 256, 384)]
    public void Backward_RepeatedIds_SumsTheirRows(int count, int vocabulary, int columns)
    {
        var ids = Ids(count, vocabulary);
        var dy = PinnedFloats.Random((long)count * columns, 2);
        var expected = EmbeddingReference.Backward(ids, dy.Span, vocabulary, columns);
        var actual = Backward(ids, dy, vocabulary, columns, threads: 2, accumulate: false, start: 99);
        // A sum of at most count terms of size 1 in a row: each addition rounds a partial sum of at most count.
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], count * (double)count * Math.Pow(2, -24));
    }

    [Fact]
    public void Backward_WithAccumulate_AddsToTheTable()
    {
        var dy = new PinnedFloats(6 * 5, fill: 0.5f);
        var actual = Backward([0, 1, 1, 2, 2, 2], dy, 4, 5, threads: 2, accumulate: true, start: 1);
        for (var row = 0; row < 4; row++)
            Assert.All(actual.Span.Slice(row * 5, 5).ToArray(), v => Assert.Equal(row < 3 ? 1 + (0.5f * (row + 1)) : 1, v));
    }

    [Fact]
    public void Backward_AnyNumberOfThreads_GivesTheSameBits()
    {
        var ids = Ids(500, 11);
        var dy = PinnedFloats.Random(500 * 300, 3);
        Assert.Equal(
            Backward(ids, dy, 11, 300, threads: 1, accumulate: false, start: 0).ToArray(),
            Backward(ids, dy, 11, 300, threads: 3, accumulate: false, start: 0).ToArray());
    }

    private static PinnedFloats Backward(
        long[] ids, PinnedFloats dy, int vocabulary, int columns, int threads, bool accumulate, float start)
    {
        using var workers = new WorkerPool(threads);
        var dweight = new PinnedFloats((long)vocabulary * columns, start);
        fixed (long* pinned = ids)
        {
            new EmbeddingBackwardKernel(
                pinned, DType.I64, dy.Pointer, dweight.Pointer, ids.Length, vocabulary, columns, accumulate).Run(workers);
        }

        return dweight;
    }

    private static long[] Ids(int count, int vocabulary)
    {
        var random = new Random(5);
        var ids = new long[count];
        for (var i = 0; i < count; i++)
            ids[i] = random.Next(vocabulary);
        return ids;
    }
}
