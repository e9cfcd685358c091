namespace NetZero.Planning.Tests;

public class GoodputTests
{
    // 16,384 devices of 50,700 hours fail every 3.09 hours, as Llama 3 405B did: 419 times in 54 days.
    [Fact]
    public void OfDevices_Llama3_FailsEveryThreeHours() =>
        Assert.Equal(54.0 * 24 / 419, Goodput.OfDevices(16384, 50700, 60, 600).FailureSeconds / 3600, 2);

    // Young 1974: sqrt(2 x 30 s x 10,800 s) = 805 s.
    [Fact]
    public void YoungSeconds_OneExample_IsTheSquareRoot() => Assert.Equal(804.98, new Goodput(10800, 30, 600).YoungSeconds, 2);

    // Daly's model, minimised by search, agrees with his closed form within a part in ten thousand of goodput.
    [Theory]
    [InlineData(10800, 30, 600)]
    [InlineData(3600, 120, 300)]
    [InlineData(86400, 5, 60)]
    public void DalySeconds_AgainstASearch_LosesNothing(double failure, double checkpoint, double restart)
    {
        var goodput = new Goodput(failure, checkpoint, restart);

        var best = Enumerable.Range(1, 20000).Max(i => goodput.Share(i * failure / 4000));

        Assert.True(goodput.Share(goodput.DalySeconds) > best - 1e-4);
    }

    [Fact]
    public void Share_WithoutFailures_LosesCheckpointsOnly() => Assert.Equal(100.0 / 130, new Goodput(1e12, 30, 600).Share(100), 6);
}
