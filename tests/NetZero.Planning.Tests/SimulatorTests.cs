namespace NetZero.Planning.Tests;

public class SimulatorTests
{
    private static SimulatedTask Task(string name, Lane lane, double seconds, int after = -1, int alsoAfter = -1) => new(name, "u", lane, seconds, after, alsoAfter);

    [Fact]
    public void Run_IndependentLanes_Overlap()
    {
        var times = new Simulator(0).Run([Task("a", Lane.Compute, 2), Task("b", Lane.Inside, 3), Task("c", Lane.Compute, 1, 1)]);

        Assert.Equal([2, 3, 4], times.Select(t => t.End));
    }

    // 2 s of compute beside 1 s of a collective that takes a quarter of it: 0.75 s are done after 1 s, 1.25 s are left.
    [Fact]
    public void Run_CollectiveBesideCompute_SlowsItBySoMuch()
    {
        var times = new Simulator(0.25).Run([Task("compute", Lane.Compute, 2), Task("gather", Lane.Network, 1)]);

        Assert.Equal(2.25, times[0].End, 12);
        Assert.Equal(1, times[1].End, 12);
    }

    [Fact]
    public void Run_OneLane_KeepsTheOrderGiven()
    {
        var times = new Simulator(0).Run([Task("first", Lane.Inside, 1, 2), Task("second", Lane.Inside, 1), Task("c", Lane.Compute, 5)]);

        Assert.Equal(5, times[0].Start);
        Assert.Equal(6, times[1].Start);
    }

    [Fact]
    public void Run_TasksThatWaitForEachOther_AreRefused() =>
        Assert.Throws<ArgumentException>(() => new Simulator(0).Run([Task("a", Lane.Compute, 1, 1), Task("b", Lane.Inside, 1, 0)]));
}
