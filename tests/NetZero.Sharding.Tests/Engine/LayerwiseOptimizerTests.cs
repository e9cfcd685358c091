using NetZero.Nn;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Optimizers that see whole parameters, whose parts lie on several ranks: every stage has the same bits, and every world computes what one rank does.</summary>
public class LayerwiseOptimizerTests
{
    private const int Steps = 4;

    public static TheoryData<string, int> Worlds
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var optimizer in (string[])["LAMB", "LARS", "Muon", "Adafactor"])
                for (var ranks = 1; ranks <= 5; ranks++)
                    data.Add(optimizer, ranks);
            return data;
        }
    }

    // Worlds differ by the order in which gradients and norms are summed. The blocks' weights are drawn within 0.26, so that a rounding is at most 2^-26 of them, and a step moves them by a
    // few percent; LAMB divides by the root of the second moment, which makes of a small gradient's rounding that of a step.
    [Theory]
    [MemberData(nameof(Worlds))]
    public void EveryStageOfEveryWorld_MatchesOneRank(string optimizer, int ranks)
    {
        var alone = Run(optimizer, 1, ShardingPolicy.DataParallel).Run();
        var reference = Run(optimizer, ranks, ShardingPolicy.DataParallel).Run();
        const string moved = "blocks.1.up.weight";
        Assert.True(alone.Before[moved].Zip(alone.After[0][moved], (a, b) => Math.Abs(a - b)).Max() > 1e-3, "training must move weights for the test to mean something");
        foreach (var (name, values) in alone.After[0])
            for (var i = 0; i < values.Length; i++)
                Assert.Equal(values[i], reference.After[0][name][i], 1e-5);
        for (var stage = 1; stage <= 3; stage++)
        {
            var run = Run(optimizer, ranks, ShardingPolicy.ForStage(stage));
            run.Run().AssertSameBits(reference);
            (run with { Device = new DelayedDevice(new DelayedTiming(stage, "compute")) }).Run().AssertSameBits(reference);
        }

        if (ranks == 4)
            Run(optimizer, ranks, ShardingPolicy.Zero3 with { ShardGroupSize = 2 }).Run().AssertSameTraining(Run(optimizer, ranks, ShardingPolicy.Zero1 with { ShardGroupSize = 2 }).Run());
    }

    // What ranks exchange must lie in memory that they share: the sums of LAMB, the directions of Muon, the means of Adafactor.
    [Theory]
    [InlineData("LAMB", 3)]
    [InlineData("Muon", 0)]
    [InlineData("Muon", 3)]
    [InlineData("Adafactor", 0)]
    [InlineData("Adafactor", 3)]
    public void OverSharedMemory_TheBitsAreThoseOfThreads(string optimizer, int stage)
    {
        var run = Run(optimizer, 3, ShardingPolicy.ForStage(stage));
        (run with { OverSharedMemory = true }).Run().AssertSameBits(run.Run());
    }

    [Theory]
    [InlineData("LAMB", 0)]
    [InlineData("LAMB", 3)]
    [InlineData("Muon", 0)]
    [InlineData("Muon", 3)]
    [InlineData("Adafactor", 0)]
    [InlineData("Adafactor", 3)]
    public void FrozenParameters_AreLeftAlone_AndMixedPrecisionAgrees(string optimizer, int stage)
    {
        ToyRun Frozen(int stage) => Run(optimizer, 3, ShardingPolicy.ForStage(stage)) with { Frozen = ["blocks.0.**"], Precision = MixedPrecisionPolicy.BFloat16 };
        var found = Frozen(stage).Run();
        Assert.Equal(found.Before["blocks.0.up.weight"], found.After[0]["blocks.0.up.weight"]);
        Assert.NotEqual(found.Before["blocks.1.up.weight"], found.After[0]["blocks.1.up.weight"]);
        found.AssertSameBits(Frozen(2).Run());
        for (var rank = 0; rank < 3; rank++)
            Assert.Equal(Frozen(stage).Plan(rank).PeakBytes, found.Traces[rank].PeakBytes);
    }

    private static ToyRun Run(string optimizer, int ranks, ShardingPolicy policy) => new()
    {
        Model = () => new ToyModel(3),
        Ranks = ranks,
        Steps = Steps,
        GlobalRows = 60,
        Policy = policy,
        Optimizer = parameters => optimizer switch
        {
            "LAMB" => new Lamb(parameters, new LambOptions { LearningRate = 0.02, WeightDecay = 0.01, Epsilon = 1e-3 }),
            "LARS" => new Lars(parameters, new LarsOptions { LearningRate = 2, TrustCoefficient = 0.02, WeightDecay = 0.01 }),
            "Adafactor" => new Adafactor(parameters, new AdafactorOptions { LearningRate = 0.05, WeightDecay = 0.01 }),
            _ => new Muon(parameters, new MuonOptions { LearningRate = 0.02, Epsilon = 1e-3, AdamWParameters = ["head.*"] }),
        },
    };
}
