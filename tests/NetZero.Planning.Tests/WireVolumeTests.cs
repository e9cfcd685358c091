namespace NetZero.Planning.Tests;

public class WireVolumeTests
{
    // Psi = 1,200 on N = 4: one pass is 1,200 x 3 / 4 = 900 elements.
    [Theory]
    [InlineData(0, 1800)]
    [InlineData(1, 1800)]
    [InlineData(2, 1800)]
    [InlineData(3, 2700)]
    public void ElementsPerRank_EachStage_IsThePapersVolume(int stage, long elements) =>
        Assert.Equal(elements, WireVolume.ElementsPerRank(1200, 4, stage));

    // Three micro-batches: stage 0 all-reduces each (3 x 2 passes); stages 1 and 2 reduce-scatter each and gather once (3 + 1);
    // stage 3 gathers twice and reduce-scatters once for each (3 x 3). Reducing last leaves one reduction: 2, 2 and 3 x 2 + 1 passes.
    [Theory]
    [InlineData(0, 6 * 900, 2 * 900)]
    [InlineData(1, 4 * 900, 2 * 900)]
    [InlineData(2, 4 * 900, 2 * 900)]
    [InlineData(3, 9 * 900, 7 * 900)]
    public void ElementsPerRank_ThreeMicroBatches_CountsEachReduction(int stage, long each, long last)
    {
        Assert.Equal(each, WireVolume.ElementsPerRank(1200, 4, stage, microBatches: 3));
        Assert.Equal(last, WireVolume.ElementsPerRank(1200, 4, stage, microBatches: 3, reduceLast: true));
    }

    // A root of 400 elements kept for the backward pass saves its second gather, 400 x 3 / 4 = 300 elements, in each micro-batch.
    [Fact]
    public void ElementsPerRank_ARootThatIsKept_IsGatheredOnce()
    {
        Assert.Equal(2700 - 300, WireVolume.ElementsPerRank(1200, 4, 3, keptParameters: 400));
        Assert.Equal(2 * (2700 - 300), WireVolume.ElementsPerRank(1200, 4, 3, keptParameters: 400, microBatches: 2));
        Assert.Equal(1800, WireVolume.ElementsPerRank(1200, 4, 2, keptParameters: 400));
    }

    [Fact]
    public void ElementsPerRank_OneRank_SendsNothing()
    {
        for (var stage = 0; stage <= 3; stage++)
            Assert.Equal(0, WireVolume.ElementsPerRank(7, 1, stage, microBatches: 3));
    }

    [Fact]
    public void ElementsPerRank_ElementsWithoutTheirPadding_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => WireVolume.ElementsPerRank(7, 2, 3));
        Assert.Throws<ArgumentException>(() => WireVolume.ElementsPerRank(8, 2, 3, keptParameters: 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => WireVolume.ElementsPerRank(8, 2, 3, keptParameters: 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => WireVolume.ElementsPerRank(8, 2, 4));
    }
}
