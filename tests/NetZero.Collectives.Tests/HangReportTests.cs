using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>Who is blamed, from the records alone.</summary>
public sealed class HangReportTests
{
    [Fact]
    public void RankBehind_IsBlamed_WithItsLastCall()
    {
        var report = HangReport.Of([Rank(0, Call(3, over: true), Call(4)), Rank(1, Call(3)), Rank(2, Call(3, over: true), Call(4))]);
        Assert.Equal([1], report.Blamed);
        Assert.StartsWith("ranks 0, 2 wait in AllGather #4 of 'h.0'", report.Cause, StringComparison.Ordinal);
        Assert.Contains("not there: rank 1 (process 101), its last call was AllGather #3 of 'h.0'", report.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void FewerRanksThatDiffer_AreBlamed() => Assert.Equal(
        [2], HangReport.Of([Rank(0, Call(4)), Rank(1, Call(4)), Rank(2, Call(4, unit: "h.1"))]).Blamed);

    [Fact]
    public void TwoRanksThatDiffer_AreBothBlamed() => Assert.Equal([0, 1], HangReport.Of([Rank(0, Call(4)), Rank(1, Call(4, unit: "h.1"))]).Blamed);

    [Fact]
    public void NobodyIsBlamed_WhereNobodyWaits() => Assert.Empty(HangReport.Of([Rank(0, Call(4, over: true)), Rank(1, Call(3, over: true))]).Blamed);

    [Fact]
    public void OtherGroups_AreLookedAtByThemselves() => Assert.Equal(
        [1], HangReport.Of([Rank(0, Call(90, over: true), Call(7, group: "shard")), Rank(1, Call(90, over: true), Call(6, over: true, group: "shard"))]).Blamed);

    // Ranks 0 and 1 are in the seventh call of their group, ranks 2 and 3 in the fourth of theirs, which has the same name: none of
    // them waits for the others.
    [Fact]
    public void GroupsOfOneName_AreLookedAtByThemselves()
    {
        RankHistory InGroup(int rank, long sequence, int group) => Rank(rank, Call(sequence, group: "shard") with { GroupId = group });
        Assert.Empty(HangReport.Of([InGroup(0, 7, 1), InGroup(1, 7, 1), InGroup(2, 4, 2), InGroup(3, 4, 2)]).Blamed);
        Assert.Equal([3], HangReport.Of([InGroup(0, 7, 1), InGroup(1, 7, 1), InGroup(2, 4, 2), InGroup(3, 3, 2)]).Blamed);
    }

    [Fact]
    public void ARankKeepsItsLast512Calls_WithTheirLines()
    {
        var thrown = Assert.Throws<PeerLeftException>(() => Ranks.Run(2, rank =>
        {
            for (var i = 0; i < 600; i++)
                rank.Group.Barrier($"round {i}");
            if (rank.Rank == 0)
                rank.Group.Barrier("one more");
        }));
        Assert.Equal([1], thrown.BlamedRanks);
        var calls = thrown.Report!.Ranks[1].Calls;
        Assert.Equal(512, calls.Count);
        Assert.Equal(("round 88", "round 599"), (calls[0].Unit, calls[^1].Unit));
        Assert.All(calls, call => Assert.StartsWith("HangReportTests.cs:", call.Site.ToString(), StringComparison.Ordinal));
        Assert.All(calls.SkipLast(1), call => Assert.NotNull(call.Seconds));
        Assert.Null(thrown.Report.Ranks[0].Calls[^1].Seconds);
    }

    private static RankHistory Rank(int rank, params HistoryEntry[] calls) => new(rank, 100 + rank, null, calls);

    private static HistoryEntry Call(long sequence, bool over = false, string unit = "h.0", string group = "world") => new(
        group, sequence, CollectiveOperation.AllGather, unit, 8, 32, -1, new CallSite("/src/Unit.cs", 40), 0.5, over ? 0.1 : null);
}
