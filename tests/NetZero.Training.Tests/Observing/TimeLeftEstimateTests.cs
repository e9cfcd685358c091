namespace NetZero.Training.Tests;

public class TimeLeftEstimateTests
{
    [Fact]
    public void EqualSteps_GiveTheirTimeTimesTheRest()
    {
        var estimate = new TimeLeftEstimate();
        estimate.After(2, 9);

        Assert.Equal(TimeSpan.FromSeconds(16), estimate.After(2, 8));
    }

    [Fact]
    public void SlowStep_CountsATenth()
    {
        var estimate = new TimeLeftEstimate();
        estimate.After(1, 9);

        // 1 + 0.1 (11 - 1) = 2 seconds a step; TimeSpan's resolution is 100 ns.
        Assert.Equal(20, estimate.After(11, 10).TotalSeconds, 1e-6);
    }
}
