using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Clipping by norms and by value, read off what the weights did, against the gradients of one rank added up in double.</summary>
public class ClippingTests
{
    private const int Rows = 60;

    private static readonly NormKind[] Kinds = [NormKind.One, NormKind.Two, NormKind.Infinity];

    public static TheoryData<int, int> Cases
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (var ranks = 1; ranks <= 5; ranks++)
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ClipByNorm_BelowTheNorm_ShortensTheStepToTheLimit_AboveItLeavesItAlone(int ranks, int stage)
    {
        var free = Run(ranks, stage).Run();
        foreach (var kind in Kinds)
        {
            var norm = (Run(ranks, stage) with { Norm = kind }).Run().Norms[0];
            var clipped = (Run(ranks, stage) with { Clip = norm / 8, Norm = kind }).Run();
            var loose = (Run(ranks, stage) with { Clip = norm * 2, Norm = kind }).Run();

            // One step of rate 1: the weights move by the gradient. Each difference carries two roundings of weights below 1.
            var bound = 2 * Math.Pow(2, -24) * LengthOfOnes(kind, free.ParameterCount);
            Assert.True(norm / 8 > 100 * bound, "the limit must be far above the roundings for the test to mean something");
            Assert.Equal(norm, Length(kind, Moved(free)), bound);
            Assert.Equal(norm / 8, Length(kind, Moved(clipped)), bound + 1e-6); // PyTorch's 1e-6 in the denominator takes at most that much off
            Assert.Equal(norm, clipped.Norms[0]);
            Assert.Equal(norm, loose.Norms[0]);
            foreach (var (name, values) in free.After[0])
                Assert.Equal(values, loose.After[0][name]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Norms_AreThoseOfOneRanksGradients(int ranks, int stage)
    {
        var alone = Run(1, 0).Run();
        var gradients = Moved(alone);
        foreach (var kind in Kinds)
        {
            // The one rank's mean over 60 rows is added up in another order than the ranks' means: each element is off by less than 2^-24 for each of 60 additions of terms below 1,
            // and by the roundings of the weights it is read from.
            var bound = (Rows + 2) * Math.Pow(2, -24) * LengthOfOnes(kind, gradients.Count);
            Assert.Equal(Length(kind, gradients), (Run(ranks, stage) with { Norm = kind }).Run().Norms[0], bound);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ClipByValue_LimitsEachElement(int ranks, int stage)
    {
        var free = Run(ranks, stage).Run();
        var limit = Length(NormKind.Infinity, Moved(free)) / 4;
        var clipped = Run(ranks, stage) with { ClipValue = limit };
        var found = Moved(clipped.Run());
        var expected = Moved(free).ConvertAll(g => Math.Clamp(g, -limit, limit));
        Assert.Contains(expected, g => Math.Abs(g) == limit);
        Assert.Contains(expected, g => g != 0 && Math.Abs(g) < limit);

        // Two roundings of weights below 1, and one of the limit.
        for (var i = 0; i < expected.Count; i++)
            Assert.Equal(expected[i], found[i], 3 * Math.Pow(2, -24));
        Assert.True((clipped with { Norm = NormKind.Infinity }).Run().Norms[0] <= (float)limit, "the norm is that of the limited elements");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Clipping_OnAHybridMesh_HasTheNormsOfTheFlatOne(int groupSize)
    {
        foreach (var kind in Kinds)
        {
            var flat = (Run(8, 3) with { Norm = kind, Clip = 0.01, GlobalRows = 64 }).Run();
            var run = Run(8, 3) with { Norm = kind, Clip = 0.01, GlobalRows = 64 };
            var hybrid = (run with { Policy = run.Policy with { ShardGroupSize = groupSize } }).Run();

            // The gradients have the same bits; only the double sums over slices, cut otherwise, are added in another order.
            Assert.Equal(flat.Norms[0], hybrid.Norms[0], flat.Norms[0] * 8 * Math.Pow(2, -52) * flat.ParameterCount);
        }
    }

    [Fact]
    public void Norm_IsOneNumberOverTheRanks()
    {
        var calls = (Run(4, 2) with { Clip = 1 }).Run().Traces[0].Calls;
        Assert.Equal(1, Assert.Single(calls, c => c.Operation == Collectives.CollectiveOperation.AllReduceScalars).Elements);
    }

    [Fact]
    public void ClippingWhatCannotBe_IsRefused() => Ranks.Run(1, rank =>
    {
        var model = new ToyModel();
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.DataParallel);
        Assert.Throws<ArgumentOutOfRangeException>(() => sharded.ClipGradientNorm(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => sharded.ClipGradientValue(-1));
        Assert.Contains("needs complete gradients", Assert.Throws<InvalidOperationException>(() => sharded.ClipGradientValue(1)).Message, StringComparison.Ordinal);
        using var step = sharded.BeginStep();
        step.Backward(model.Loss(rank.Tensors.Full([2, 15], 0.5f), rank.Tensors.From<int>([0, 1], [2])));
        Assert.Throws<ArgumentOutOfRangeException>(() => sharded.GradientNorm((NormKind)9));
        sharded.ClipGradientNorm(1, NormKind.One);
        Assert.Contains("clip values first", Assert.Throws<InvalidOperationException>(() => sharded.ClipGradientValue(1)).Message, StringComparison.Ordinal);
    });

    private static double Length(NormKind kind, List<double> values) => kind switch
    {
        NormKind.One => values.Sum(Math.Abs),
        NormKind.Two => Math.Sqrt(values.Sum(v => v * v)),
        _ => values.Max(Math.Abs),
    };

    private static double LengthOfOnes(NormKind kind, int count) => Length(kind, [.. Enumerable.Repeat(1.0, count)]);

    private static List<double> Moved(ToyRun.Outcome run) =>
        [.. run.Before.SelectMany(p => p.Value.Zip(run.After[0][p.Key], (before, after) => (double)before - after))];

    private static ToyRun Run(int ranks, int stage) => new()
    {
        Model = () => new ToyModel(),
        Ranks = ranks,
        Steps = 1,
        GlobalRows = Rows,
        Policy = ShardingPolicy.ForStage(stage),
        Optimizer = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 1 }),
    };
}
