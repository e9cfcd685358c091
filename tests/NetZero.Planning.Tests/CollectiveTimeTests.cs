using NetZero.Collectives;

namespace NetZero.Planning.Tests;

public class CollectiveTimeTests
{
    private static readonly CollectiveTime _links = new(ClusterCatalog.Find("a100x8"));

    // 8 ranks of one node, 300 GB/s, 7 us a hop: 7 hops and 7/8 of 3 GB.
    [Fact]
    public void Ring_GatherInsideANode_IsHopsAndBytes() =>
        Assert.Equal(7 * 7e-6 + 3e9 * 7 / 8 / 300e9, _links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllGather, 3e9, 8, 8), 12);

    // 32 ranks on 4 nodes: each node takes 3/4 of the message through 8 ports of 25 GB/s.
    [Fact]
    public void Ring_GatherAcrossNodes_IsBoundByTheNodesPorts() =>
        Assert.Equal(28 * 7e-6 + 4 * 12e-6 + 3e9 * 3 / 4 / 200e9, _links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllGather, 3e9, 32, 8), 12);

    [Fact]
    public void AllReduce_ByRing_IsTwiceAGather() =>
        Assert.Equal(
            2 * _links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllGather, 1e8, 16, 8),
            _links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllReduce, 1e8, 16, 8), 12);

    // Small messages on many ranks: a tree's logarithm of hops beats a ring's thousand.
    [Fact]
    public void AllReduce_SmallMessageOnManyRanks_TakesFewHops()
    {
        var best = _links.Of(CollectiveOperation.AllReduce, 1024, 1024, 8);

        Assert.True(best < _links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllReduce, 1024, 1024, 8) / 20);
        Assert.True(_links.By(CollectiveAlgorithm.HalvingDoubling, CollectiveOperation.AllReduce, 1024, 1024, 8) < 1e-3);
    }

    // S. Bekman measured 480 GB/s of bus bandwidth for all-reduces of 16 GiB on 8 H200 with NVLS and 367 without: the switch gains where links add up themselves.
    [Fact]
    public void AllReduce_WhereSwitchesAdd_BeatsTheRing()
    {
        var links = new CollectiveTime(ClusterCatalog.Find("h200x8"));

        var (best, ring) = (links.Of(CollectiveOperation.AllReduce, 1L << 34, 8, 8), links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllReduce, 1L << 34, 8, 8));

        Assert.InRange(ring / best, 1.25, 1.75);
    }

    [Fact]
    public void Of_OneRank_IsFree() => Assert.Equal(0, _links.Of(CollectiveOperation.AllReduce, 1e9, 1, 8));
}
