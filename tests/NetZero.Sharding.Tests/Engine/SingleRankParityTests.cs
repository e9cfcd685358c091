using NetZero.Nn;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>N ranks train as one rank with the whole batch does, in shapes that nothing divides (after FSDP2's tests of uneven sharding).</summary>
/// <remarks>With plain SGD, because Adam would hide a wrong scale of the gradients: a sum in place of a mean gives it the same step.</remarks>
public class SingleRankParityTests
{
    private const double LearningRate = 0.05;
    private const int Steps = 10;

    private static readonly Dictionary<string, (Func<Module> Make, int Widest)> Models = new()
    {
        ["16-15-8"] = (() => new UnevenLinears(16, 15, 8), 16),
        ["7-15-3"] = (() => new UnevenLinears(7, 15, 3), 15),
        ["16-17-8"] = (() => new UnevenLinears(16, 17, 8), 17),
        ["blocks"] = (() => new ToyModel(2), 17),
    };

    public static TheoryData<string, int, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var model in Models.Keys)
                foreach (var ranks in (int[])[2, 3, 5, 7, 8, 9])
                    for (var stage = ranks > 5 ? 3 : 0; stage <= 3; stage++)
                        data.Add(model, ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void FullyShard_UnevenLinears_MatchesSingleRankForTenSteps(string model, int ranks, int stage)
    {
        var one = Run(model, 1, 0, rows: 4 * ranks);
        var many = Run(model, ranks, stage, rows: 4 * ranks);

        var bound = Bound(one, Models[model].Widest, rows: 4 * ranks);
        for (var step = 0; step < Steps; step++)
            Assert.InRange(many.Losses[step] - one.Losses[step], -bound, bound);
        Assert.True(one.Losses.Max() - one.Losses.Min() > 20 * bound, "the losses must move by much more than the bound for the test to mean something");
        Assert.All(many.After, weights => Assert.Equal(many.After[0], weights));
    }

    // FSDP2's rate and its 4 rows a rank; between stages nothing is summed in another order, so that Adam hides nothing.
    [Theory]
    [InlineData("16-15-8")]
    [InlineData("7-15-3")]
    [InlineData("16-17-8")]
    public void EveryStage_UnevenLinears_WithAdam_HasTheBitsOfDataParallel(string model)
    {
        foreach (var ranks in (int[])[2, 3, 5, 7, 8, 9])
        {
            ToyRun.Outcome Train(int stage) => (Setup(model, ranks, rows: 4 * ranks) with
            {
                Policy = ShardingPolicy.ForStage(stage),
                Optimizer = parameters => new AdamW(parameters, new AdamWOptions { LearningRate = 1e-2, WeightDecay = 0 }),
            }).Run();
            var expected = Train(0);
            Assert.Contains(expected.After[0], weights => !weights.Value.SequenceEqual(expected.Before[weights.Key]));
            for (var stage = 1; stage <= 3; stage++)
                Train(stage).AssertSameBits(expected);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void FullyShard_WithAccumulation_MatchesSingleRankWithout(int ranks)
    {
        var one = Run("blocks", 1, 0, rows: 12 * ranks);
        foreach (var reduction in Enum.GetValues<GradientReduction>())
        {
            var many = (Setup("blocks", ranks, rows: 12 * ranks) with { AccumulationSteps = 3, Policy = new ShardingPolicy { Stage = 3, Reduction = reduction } }).Run();
            var bound = Bound(one, 17, rows: 12 * ranks);
            for (var step = 0; step < Steps; step++)
                Assert.InRange(many.Losses[step] - one.Losses[step], -bound, bound);
        }
    }

    // The two runs differ in the order of sums over rows. A gradient element is a sum over rows of products that went through at most four linears, forward
    // and back, of at most `widest` terms each, and some 16 elementwise roundings: (rows + 4 widest + 16) roundings of 2^-24, relative to terms below 4 (inputs
    // below 1, weights below 1/2, and d loss / d logits sums to at most 2 over a row). A step moves a parameter by the rate times that; its effect on later gradients at
    // most doubles it over ten steps of this rate. The loss follows by the gradient's 1-norm, at most sqrt(parameters) times its 2-norm.
    private static double Bound(ToyRun.Outcome run, int widest, int rows)
    {
        var gradientError = (rows + (4 * widest) + 16) * Math.Pow(2, -24) * 4;
        return 2 * Steps * LearningRate * gradientError * Math.Sqrt(run.ParameterCount) * run.Norms.Max();
    }

    private static ToyRun.Outcome Run(string model, int ranks, int stage, int rows) =>
        (Setup(model, ranks, rows) with { Policy = ShardingPolicy.ForStage(stage) }).Run();

    private static ToyRun Setup(string model, int ranks, int rows) => new()
    {
        Model = Models[model].Make,
        Ranks = ranks,
        GlobalRows = rows,
        Steps = Steps,
        Optimizer = parameters => new Sgd(parameters, new SgdOptions { LearningRate = LearningRate }),
    };
}
