namespace NetZero.Training.Tests;

public sealed class StragglerWatchTests
{
    [Fact]
    public void RankThatNeverWaits_WhileOthersDo_IsNamedOnce_AfterTenSteps()
    {
        var watch = new StragglerWatch();
        var reports = Enumerable.Range(0, 40).Select(step => watch.After(step, 0.1, [0.05, 0.04, 0.001, 0.06])).OfType<StragglerReport>().ToList();
        var report = Assert.Single(reports);
        Assert.Equal((9, 2), (report.Step, report.Rank));
        Assert.Equal(0.099, report.Seconds, 6);
        Assert.Equal(0.05, report.OthersSeconds, 6);
        Assert.Equal("rank 2 is slow: it computed 99 ms in step 10, the others 50 ms, and so in each of the last 10 steps", report.ToString());
    }

    [Fact]
    public void RanksThatTakeTurnsInBeingSlow_AreNotNamed()
    {
        var watch = new StragglerWatch();
        for (var step = 0; step < 40; step++)
            Assert.Null(watch.After(step, 0.1, step / 9 % 2 == 0 ? [0.05, 0] : [0, 0.05]));
    }

    [Fact]
    public void DifferencesOfMicroseconds_AndSmallShares_AreNoNews()
    {
        var watch = new StragglerWatch();
        for (var step = 0; step < 40; step++)
        {
            Assert.Null(watch.After(step, 0.001, [0.0005, 0]));
            Assert.Null(watch.After(step, 0.1, [0.01, 0]));
        }
    }

    [Fact]
    public void RankThatBecomesSlowAgain_IsNamedAgain()
    {
        var watch = new StragglerWatch();
        var found = 0;
        for (var step = 0; step < 60; step++)
            found += watch.After(step, 0.1, step is >= 20 and < 30 ? [0, 0] : [0.05, 0]) is null ? 0 : 1;
        Assert.Equal(2, found);
    }

    [Fact]
    public void OneRankAlone_WaitsForNobody() => Assert.Null(new StragglerWatch().After(0, 1, [0]));
}
