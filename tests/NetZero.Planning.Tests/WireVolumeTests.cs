using NetZero.Sharding;

namespace NetZero.Planning.Tests;

public class WireVolumeTests
{
    private const int Pass = 4 * 900; // P = 1,200 on N = 4: one pass is 1,200 x 3 / 4 = 900 elements of 4 bytes

    private static ShardingPolicy Stage(int stage) => ShardingPolicy.ForStage(stage);

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public void BytesPerRank_EachStage_IsThePapersVolume(int stage, int passes) => Assert.Equal(passes * Pass, WireVolume.BytesPerRank(1200, 4, Stage(stage)));

    // Three micro-batches: stage 0 all-reduces each (3 x 2 passes); stages 1 and 2 reduce-scatter each and gather once (3 + 1);
    // stage 3 gathers twice and reduce-scatters once for each (3 x 3). Reducing last leaves one reduction: 2, 2 and 3 x 2 + 1 passes.
    [Theory]
    [InlineData(0, 6, 2)]
    [InlineData(1, 4, 2)]
    [InlineData(2, 4, 2)]
    [InlineData(3, 9, 7)]
    public void BytesPerRank_ThreeMicroBatches_CountsEachReduction(int stage, int each, int last)
    {
        Assert.Equal(each * Pass, WireVolume.BytesPerRank(1200, 4, Stage(stage), microBatches: 3));
        Assert.Equal(last * Pass, WireVolume.BytesPerRank(1200, 4, Stage(stage) with { Reduction = GradientReduction.LastMicroBatch }, microBatches: 3));
    }

    [Fact]
    public void BytesPerRank_WhatStaysWhole_IsNotGatheredAgain()
    {
        // Kept from forward to backward: one gather a micro-batch; from backward to the next forward: the first forward's, and each backward's; throughout: one.
        Assert.Equal(2 * Pass, WireVolume.BytesPerRank(1200, 4, Stage(3) with { ReshardAfterForward = ReshardAfterForward.No }));
        Assert.Equal((1 + 3 + 3) * Pass, WireVolume.BytesPerRank(1200, 4, Stage(3) with { KeepGathered = true }, microBatches: 3));
        Assert.Equal((1 + 3) * Pass, WireVolume.BytesPerRank(1200, 4, Stage(3) with { KeepGathered = true, ReshardAfterForward = ReshardAfterForward.No }, microBatches: 3));

        // From a second copy within two ranks: half of the unit.
        Assert.Equal((2 * Pass) + (4 * 600), WireVolume.BytesPerRank(1200, 4, Stage(3) with { ReshardAfterForward = ReshardAfterForward.Within(2) }));
    }

    // 12 ranks as 3 replicas of 4: within a group a pass is 900 elements; across, an all-reduce of a slice of 300 sends 2 x 2 / 3 x 300 = 400, of the whole 1,600.
    [Theory]
    [InlineData(3, (3 * 900) + 400)]
    [InlineData(2, (2 * 900) + 400)]
    [InlineData(1, (2 * 900) + 400)]
    public void BytesPerRank_HybridMesh_ReducesWithin_ThenAcross(int stage, int elements) =>
        Assert.Equal(4 * elements, WireVolume.BytesPerRank(1200, 12, Stage(stage) with { ShardGroupSize = 4 }));

    [Fact]
    public void BytesPerRank_Frozen_HasTheGathersOfStage3Alone()
    {
        for (var stage = 0; stage <= 2; stage++)
            Assert.Equal(0, WireVolume.BytesPerRank(1200, 4, Stage(stage), microBatches: 3, isFrozen: true));
        Assert.Equal(6 * Pass, WireVolume.BytesPerRank(1200, 4, Stage(3), microBatches: 3, isFrozen: true));
    }

    [Fact]
    public void BytesPerRank_SixteenBitGathers_AreHalfTheBytes() => Assert.Equal((2 * Pass / 2) + Pass, WireVolume.BytesPerRank(1200, 4, Stage(3), gatherBytes: 2));

    [Fact]
    public void BytesPerRank_OneRank_SendsNothing()
    {
        for (var stage = 0; stage <= 3; stage++)
            Assert.Equal(0, WireVolume.BytesPerRank(7, 1, Stage(stage), microBatches: 3));
    }

    [Fact]
    public void BytesPerRank_WhatCannotBe_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => WireVolume.BytesPerRank(7, 2, Stage(3)));
        Assert.Throws<ArgumentException>(() => WireVolume.BytesPerRank(8, 2, Stage(3) with { ShardGroupSize = 3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => WireVolume.BytesPerRank(8, 0, Stage(3)));
    }
}
