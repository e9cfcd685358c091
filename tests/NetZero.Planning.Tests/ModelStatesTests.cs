using System.Globalization;

namespace NetZero.Planning.Tests;

public class ModelStatesTests
{
    // ZeRO paper, table 1: ranks, then GB per device at stages 1 / 2 / 3 for 7.5, 128 and 1,000 billion parameters.
    [Theory]
    [InlineData(1, "120 120 120", "2048 2048 2048", "16000 16000 16000")]
    [InlineData(4, "52.5 41.3 30", "896 704 512", "7000 5500 4000")]
    [InlineData(16, "35.6 21.6 7.5", "608 368 128", "4750 2875 1000")]
    [InlineData(64, "31.4 16.6 1.88", "536 284 32", "4187 2218 250")]
    [InlineData(256, "30.4 15.4 0.47", "518 263 8", "4046 2054 62.5")]
    [InlineData(1024, "30.1 15.1 0.12", "513 257 2", "4011 2013 15.6")]
    public void PerRank_EachCellOfTheZeroTable_IsWhatThePaperPrints(int ranks, params string[] rows)
    {
        long[] parameters = [7_500_000_000, 128_000_000_000, 1_000_000_000_000];
        for (var model = 0; model < 3; model++)
        {
            var cells = rows[model].Split(' ');
            for (var stage = 1; stage <= 3; stage++)
            {
                var printed = decimal.Parse(cells[stage - 1], CultureInfo.InvariantCulture);
                var gigabytes = ModelStates.PerRank(parameters[model], ranks, stage, StateWidths.MixedPrecisionAdam).Total / 1e9m;

                // The paper rounds figures with a decimal place and cuts the others off: less than one unit of the last place printed.
                var lastPlace = (decimal)Math.Pow(10, -printed.Scale);
                Assert.InRange(gigabytes - printed, -lastPlace + 1e-9m, lastPlace - 1e-9m);
            }
        }
    }

    // 4 + 4 + 8 bytes, 7 billion parameters on 8 ranks: 112, 8 x 7 + 7 = 63, 4 x 7 + 10.5 = 38.5 and 112 / 8 = 14 GB.
    [Theory]
    [InlineData(0, 112_000_000_000)]
    [InlineData(1, 63_000_000_000)]
    [InlineData(2, 38_500_000_000)]
    [InlineData(3, 14_000_000_000)]
    public void PerRank_7BInSinglePrecisionOn8Ranks_IsExact(int stage, long bytes) =>
        Assert.Equal(bytes, ModelStates.PerRank(7_000_000_000, 8, stage, StateWidths.SinglePrecisionAdam).Total);

    [Theory]
    [InlineData(0, 40, 40, 40)]
    [InlineData(1, 40, 40, 20)]
    [InlineData(2, 40, 20, 20)]
    [InlineData(3, 20, 20, 20)]
    public void PerRank_EachStage_ShardsItsKinds(int stage, long parameter, long gradient, long optimizer)
    {
        var states = ModelStates.PerRank(10, 2, stage, StateWidths.SinglePrecisionMomentum);
        Assert.Equal(new ModelStates(parameter, gradient, optimizer), states);
        Assert.Equal(0, ModelStates.PerRank(10, 2, stage, StateWidths.SinglePrecisionSgd).Optimizer);
    }

    [Fact]
    public void PerRank_AShareThatIsNotWhole_IsRoundedUp() =>
        Assert.Equal(new ModelStates(16, 16, 32), ModelStates.PerRank(10, 3, 3, StateWidths.SinglePrecisionAdam));

    [Fact]
    public void PerRank_OneRank_HoldsTheSameAtEachStage()
    {
        for (var stage = 0; stage <= 3; stage++)
            Assert.Equal(160, ModelStates.PerRank(10, 1, stage, StateWidths.MixedPrecisionAdam).Total);
    }

    [Fact]
    public void PerRank_WrongArguments_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelStates.PerRank(0, 1, 0, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelStates.PerRank(1, 0, 0, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelStates.PerRank(1, 1, 4, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelStates.PerRank(1, 1, -1, default));
        Assert.Throws<OverflowException>(() => ModelStates.PerRank(long.MaxValue / 2, 1, 0, StateWidths.MixedPrecisionAdam));
    }
}
