namespace NetZero.Nn.Tests.Schedules;

/// <summary>Learning rates at the corners of their schedules, as exact numbers.</summary>
public class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public void Constant_IsTheBaseRate(long step) => Assert.Equal(0.25, new ConstantSchedule().At(step, 0.25));

    // 4 warm-up steps of base 0.5: the first is not zero, the last is the base.
    [Theory]
    [InlineData(0, 0.125)]
    [InlineData(1, 0.25)]
    [InlineData(2, 0.375)]
    [InlineData(3, 0.5)]
    [InlineData(4, 0.5)]
    [InlineData(1000, 0.5)]
    public void Warmup_RisesInEqualSteps_ThenStays(long step, double rate) => Assert.Equal(rate, new WarmupSchedule(4).At(step, 0.5));

    [Fact]
    public void Warmup_OfNoSteps_IsTheBaseRate() => Assert.Equal(0.5, new WarmupSchedule(0).At(0, 0.5));

    // 4 warm-up steps, then from base 0.5 at step 4 down to 0.5 x 0.25 at step 12: cos is 1, 0 and -1 at steps 4, 8 and 12.
    [Theory]
    [InlineData(0, 0.125)]
    [InlineData(3, 0.5)]
    [InlineData(4, 0.5)]
    [InlineData(8, 0.5 * (0.25 + (0.75 / 2)))]
    [InlineData(12, 0.125)]
    [InlineData(13, 0.125)]
    [InlineData(1_000_000, 0.125)]
    public void WarmupCosine_HasExactCorners(long step, double rate) =>
        Assert.Equal(rate, new WarmupCosineSchedule(4, 12, 0.25).At(step, 0.5), 1e-16); // cos(pi / 2) in double is 6e-17

    [Fact]
    public void WarmupCosine_FallsAllTheWay_ByHalfACosine()
    {
        var schedule = new WarmupCosineSchedule(2, 20, 0);
        for (long step = 2; step < 20; step++)
        {
            Assert.True(schedule.At(step + 1, 1) < schedule.At(step, 1));
            Assert.Equal(0.5 * (1 + Math.Cos(Math.PI * (step - 2) / 18)), schedule.At(step, 1), 1e-15);
        }

        Assert.Equal(0, schedule.At(20, 1));
    }

    [Fact]
    public void WarmupCosine_OfWarmupAlone_StaysAtTheBaseRateForItsLastStep() =>
        Assert.Equal([0.5, 1.0], new[] { 0L, 1L }.Select(step => new WarmupCosineSchedule(2, 2, 0.1).At(step, 1)));
}
