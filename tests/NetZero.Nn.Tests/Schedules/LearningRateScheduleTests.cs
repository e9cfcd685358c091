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

    // 4 warm-up steps, then from base 0.5 at step 4 down a line to 0 at step 12.
    [Theory]
    [InlineData(0, 0.125)]
    [InlineData(3, 0.5)]
    [InlineData(4, 0.5)]
    [InlineData(6, 0.375)]
    [InlineData(8, 0.25)]
    [InlineData(12, 0)]
    [InlineData(1_000_000, 0)]
    public void WarmupDecay_IsALineToZero(long step, double rate) => Assert.Equal(rate, new WarmupDecaySchedule(4, 12).At(step, 0.5));

    // With a timescale of 4 the rate is half after 12 more steps, a third after 32.
    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(1, 0.5)]
    [InlineData(2, 0.5)]
    [InlineData(14, 0.25)]
    [InlineData(62, 0.125)]
    public void InverseSquareRoot_HalvesWhenTheTimeIsFourfold(long step, double rate) => Assert.Equal(rate, new InverseSquareRootSchedule(2, 4).At(step, 0.5));

    // Shazeer and Stern 2018, section 8; the warm-up as Hugging Face's warmup_init.
    [Theory]
    [InlineData(0, false, 0.005)]
    [InlineData(9_999, false, 0.005)]
    [InlineData(39_999, false, 0.0025)]
    [InlineData(0, true, 5e-7)]
    [InlineData(9_999, true, 0.005)]
    [InlineData(39_999, true, 0.0025)]
    public void RelativeStep_IsAHundredthUntilTheInverseRootIsLess(long step, bool warmsUp, double rate) =>
        Assert.Equal(rate, new RelativeStepSchedule(warmsUp).At(step, 0.5), 1e-15);

    // PyTorch 2.x, OneCycleLR(max_lr = 1, total_steps = 11, pct_start = 0.3, div_factor = 25, final_div_factor = 1e4): rises until 2.3, ends at step 10.
    [Fact]
    public void OneCycle_RisesAndFallsByHalfCosines_AndStaysAtItsEnd()
    {
        var schedule = new OneCycleSchedule(11, 0.3, 25, 1e4);
        Assert.Equal(0.04, schedule.At(0, 1), 1e-15);
        Assert.Equal(0.04 + (0.96 * 0.5 * (1 - Math.Cos(Math.PI * 2 / 2.3))), schedule.At(2, 1), 1e-12);
        Assert.Equal(4e-6 + ((1 - 4e-6) * 0.5 * (1 + Math.Cos(Math.PI * 2.7 / 7.7))), schedule.At(5, 1), 1e-12);
        Assert.Equal(4e-6, schedule.At(10, 1), 1e-15);
        Assert.Equal(4e-6, schedule.At(1000, 1), 1e-15);

        // The top itself, where it falls on a step.
        Assert.Equal(1, new OneCycleSchedule(10, 0.3, 25, 1e4).At(2, 1), 1e-15);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(6, 1)]
    [InlineData(7, 0.5)]
    [InlineData(13, 0.5)]
    [InlineData(21, 0.125)]
    public void StepDecay_FallsByItsFactorEverySoManySteps(long step, double rate) => Assert.Equal(rate, new StepDecaySchedule(7, 0.5).At(step, 1));

    // 2 warm-up steps, constant to step 12, down to a fifth at step 20.
    [Theory]
    [InlineData(DecayShape.Linear, 0.5)]
    [InlineData(DecayShape.Cosine, 0.14644660940672624)] // half a cosine at 3/4: (1 - sqrt(1/2)) / 2
    [InlineData(DecayShape.OneMinusSquareRoot, 0.1339745962155614)] // 1 - sqrt(3/4)
    public void WarmupStableDecay_FallsAtTheEndAlone(DecayShape shape, double heightAtMiddleOrThreeQuarters)
    {
        var schedule = new WarmupStableDecaySchedule(2, 20, 8, 0.2, shape);
        Assert.Equal([0.5, 1, 1, 1], new[] { 0L, 1, 2, 12 }.Select(step => schedule.At(step, 1)));
        Assert.Equal(0.2 + (0.8 * heightAtMiddleOrThreeQuarters), schedule.At(shape == DecayShape.Linear ? 16 : 18, 1), 1e-15);
        Assert.Equal(0.2, schedule.At(20, 1), 1e-15);
        Assert.Equal(0.2, schedule.At(1000, 1), 1e-15);
    }
}
