namespace NetZero.Training.Tests;

public class SampleOrderTests
{
    [Fact]
    public void Unshuffled_IsTextOrder_EpochAfterEpoch()
    {
        var order = new SampleOrder(5, shuffle: false, seed: 1);

        Assert.Equal([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], Enumerable.Range(0, 12).Select(i => order[i]));
    }

    public static TheoryData<long> Counts => [.. Enumerable.Range(1, 70), 255, 256, 257, 1000, 4097];

    [Theory]
    [MemberData(nameof(Counts))]
    public void EachShuffledEpoch_IsAPermutation(long count)
    {
        var order = new SampleOrder(count, shuffle: true, seed: 3);
        for (long epoch = 0; epoch < 3; epoch++)
        {
            var seen = new bool[count];
            for (long i = 0; i < count; i++)
            {
                var sample = order[epoch * count + i];
                Assert.False(seen[sample]);
                seen[sample] = true;
            }
        }
    }

    [Fact]
    public void Shuffle_DependsOnSeedAndEpochAlone()
    {
        const int count = 1000;
        long[] Epoch(long seed, long epoch)
        {
            var order = new SampleOrder(count, shuffle: true, seed);
            return [.. Enumerable.Range(0, count).Select(i => order[epoch * count + i])];
        }

        Assert.Equal(Epoch(1, 0), Epoch(1, 0));
        Assert.NotEqual(Epoch(1, 0), Epoch(2, 0));
        Assert.NotEqual(Epoch(1, 0), Epoch(1, 1));
        // Seed and epoch must not be interchangeable either.
        Assert.NotEqual(Epoch(1, 2), Epoch(2, 1));
    }

    [Fact]
    public void Shuffle_SpreadsEverySampleOverThePlaces()
    {
        // Each of 6 samples should be first in 1/6 of 6,000 epochs: 1,000 with a standard deviation of sqrt(6000 x 1/6 x 5/6) = 28.9.
        // Five deviations are passed by chance in one of 300,000 counts, and the seed is fixed.
        var order = new SampleOrder(6, shuffle: true, seed: 11);
        var first = new int[6];
        for (long epoch = 0; epoch < 6000; epoch++)
            first[order[epoch * 6]]++;

        Assert.All(first, count => Assert.InRange(count, 1000 - 145, 1000 + 145));
    }

    [Fact]
    public void HugeCounts_NeedNoMemory()
    {
        var order = new SampleOrder(1L << 50, shuffle: true, seed: 5);

        Assert.InRange(order[(1L << 50) - 1], 0, (1L << 50) - 1);
        Assert.NotEqual(order[0] + 1, order[1]);
    }

    [Fact]
    public void Position_RestoresWhereItWasSaved()
    {
        var order = new SampleOrder(10, shuffle: true, seed: 3);

        Assert.Equal(new DataPosition(24, 10, true, 3), order.At(24));
        Assert.Equal(24, new SampleOrder(10, shuffle: true, seed: 3).Restore(order.At(24)));
        Assert.Equal(24, new SampleOrder(10, shuffle: false, seed: 4).Restore(new SampleOrder(10, shuffle: false, seed: 3).At(24)));
    }

    [Theory]
    [InlineData(11, true, 3)]
    [InlineData(10, false, 3)]
    [InlineData(10, true, 4)]
    public void PositionOfOtherData_IsRefused(long count, bool shuffle, long seed)
    {
        var saved = new SampleOrder(count, shuffle, seed).At(24);

        var error = Assert.Throws<ConfigurationException>(() => new SampleOrder(10, shuffle: true, seed: 3).Restore(saved));

        Assert.Equal($"the saved data position ({saved}) does not belong to this run's data (sample 24 of 10 an epoch, shuffled by seed 3)", error.Message);
    }
}
