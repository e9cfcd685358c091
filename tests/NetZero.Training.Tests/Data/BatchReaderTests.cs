namespace NetZero.Training.Tests;

public class BatchReaderTests
{
    /// <summary>Token i is i.</summary>
    private sealed class Counting(long count) : ITokens
    {
        public long Count => count;

        public void Read(long start, Span<int> destination)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(start + destination.Length, count);
            for (var i = 0; i < destination.Length; i++)
                destination[i] = (int)start + i;
        }
    }

    private static (int[] Inputs, int[] Targets) Read(BatchLayout layout, SampleOrder order, int rank, long step, int microBatch)
    {
        var (inputs, targets) = (new int[layout.MicroBatchTokens], new int[layout.MicroBatchTokens]);
        new BatchReader(new Counting(order.Count * layout.SequenceLength + 1), order, layout, rank).Read(step, microBatch, inputs, targets);
        return (inputs, targets);
    }

    [Fact]
    public void Sample_IsItsTokens_TargetsAreShiftedByOne()
    {
        var (inputs, targets) = Read(new BatchLayout(1, 1, 2, 3), new SampleOrder(4, false, 0), rank: 0, step: 1, microBatch: 0);

        Assert.Equal([6, 7, 8, 9, 10, 11], inputs);
        Assert.Equal([7, 8, 9, 10, 11, 12], targets);
    }

    [Fact]
    public void BatchThatReachesTheEnd_GoesOnAtTheStart()
    {
        var (inputs, _) = Read(new BatchLayout(1, 1, 3, 2), new SampleOrder(4, false, 0), rank: 0, step: 1, microBatch: 0);

        Assert.Equal([6, 7, 0, 1, 2, 3], inputs);
    }

    [Theory]
    [InlineData(1, 1, 12)]
    [InlineData(2, 3, 2)]
    [InlineData(3, 2, 2)]
    [InlineData(4, 1, 3)]
    [InlineData(12, 1, 1)]
    [InlineData(1, 12, 1)]
    public void RankMajorDealing_GivesEveryWorldTheSameGlobalBatch(int ranks, int microBatches, int microBatchSize)
    {
        const int length = 5;
        var layout = new BatchLayout(ranks, microBatches, microBatchSize, length);
        var order = new SampleOrder(31, shuffle: true, seed: 2);
        Assert.Equal(12, layout.Samples);

        for (var step = 0; step < 4; step++)
        {
            var dealt = from rank in Enumerable.Range(0, ranks)
                        from microBatch in Enumerable.Range(0, microBatches)
                        from token in Read(layout, order, rank, step, microBatch).Inputs.Chunk(length)
                        select (long)token[0] / length;
            Assert.Equal(Enumerable.Range(step * 12, 12).Select(position => order[position]), dealt);
        }
    }

    [Fact]
    public void Position_IsThatOfTheFirstSample()
    {
        var reader = new BatchReader(new Counting(100), new SampleOrder(10, false, 0), new BatchLayout(2, 3, 2, 4), rank: 1);

        Assert.Equal(5 * 12 + 6 + 4, reader.Position(step: 5, microBatch: 2));
    }

    [Fact]
    public void WrongBuffer_IsRefused()
    {
        var reader = new BatchReader(new Counting(100), new SampleOrder(10, false, 0), new BatchLayout(1, 1, 2, 4), rank: 0);

        var error = Assert.Throws<ArgumentException>(() => reader.Read(0, 0, new int[8], new int[9]));
        Assert.Equal("A micro-batch has 8 tokens, the buffers hold 8 inputs and 9 targets.", error.Message);
    }

    [Fact]
    public void Reading_AllocatesNothing()
    {
        var reader = new BatchReader(new Counting(1001), new SampleOrder(100, true, 0), new BatchLayout(1, 1, 8, 10), rank: 0);
        var (inputs, targets) = (new int[80], new int[80]);
        reader.Read(0, 0, inputs, targets);

        var before = GC.GetAllocatedBytesForCurrentThread();
        reader.Read(1, 0, inputs, targets);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
