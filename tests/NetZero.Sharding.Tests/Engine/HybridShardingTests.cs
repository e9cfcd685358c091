using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>States sharded within groups of ranks, and groups that are replicas of each other: reduced within, then across.</summary>
public class HybridShardingTests
{
    public static TheoryData<int, int> PowerOfTwoGroups => new() { { 4, 2 }, { 6, 2 }, { 8, 2 }, { 8, 4 }, { 12, 4 } };

    public static TheoryData<int, int> OtherGroups => new() { { 6, 3 }, { 9, 3 }, { 10, 5 }, { 12, 6 } };

    // Groups of a power of two are subtrees of the canonical tree, and the mean is taken once: the order of additions is that of the flat mesh.
    [Theory]
    [MemberData(nameof(PowerOfTwoGroups))]
    public void GroupsOfAPowerOfTwo_GiveTheBitsOfTheFlatMesh(int ranks, int group)
    {
        foreach (var accumulation in (int[])[1, 2])
        {
            var flat = Run(ranks, accumulation, ShardingPolicy.DataParallel).Run();
            foreach (var policy in Policies(group))
                Run(ranks, accumulation, policy).Run().AssertSameTraining(flat);
        }
    }

    [Theory]
    [MemberData(nameof(PowerOfTwoGroups))]
    [MemberData(nameof(OtherGroups))]
    public void EveryStage_GivesTheSameBits_RunAfterRun_WithClipping(int ranks, int group)
    {
        ToyRun.Outcome? first = null;
        foreach (var policy in Policies(group).Append(Policies(group).First()))
        {
            var outcome = (Run(ranks, 2, policy) with { Clip = 0.1 }).Run();
            outcome.AssertSameBits(first ??= outcome);
            Assert.All(outcome.After, weights => Assert.Equal(outcome.After[0], weights));
        }
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(6, 3)]
    public void Transports_GiveTheSameBits(int ranks, int group)
    {
        foreach (var policy in Policies(group))
        {
            var run = Run(ranks, 2, policy) with { Clip = 0.1 };
            (run with { OverSharedMemory = true }).Run().AssertSameBits(run.Run());
        }
    }

    [Theory]
    [MemberData(nameof(PowerOfTwoGroups))]
    [MemberData(nameof(OtherGroups))]
    public void EveryStage_HoldsWhatMetaPlans_AndCallsWhatItsScheduleDeclares(int ranks, int group)
    {
        foreach (var accumulation in (int[])[1, 2])
            foreach (var policy in Policies(group))
            {
                var run = Run(ranks, accumulation, policy);
                var traces = run.Run().Traces;
                for (var rank = 0; rank < ranks; rank++)
                {
                    var planned = run.Plan(rank);
                    Assert.Equal(planned.PeakBytes, traces[rank].PeakBytes);
                    Assert.Equal(planned.TotalPeakBytes, traces[rank].TotalPeakBytes);
                    PolicyGridTests.CheckCalls(traces[rank]);
                    Assert.Equal(
                        traces[rank].Calls.Where(c => c.Operation == CollectiveOperation.AllReduce).Select(c => c.Group).Distinct(), ["replicate"]);
                }
            }
    }

    // A sum of N numbers in fp32 in any order is off by at most (N - 1) u sum |x|, u = 2^-24 (Higham, Accuracy and Stability, section 4.2); the mean's factor 1/N is
    // rounded and multiplied with, and the update subtracts from zero: three more roundings. The gradient of an input x is (-x / 2, x / 2), exactly.
    [Theory]
    [MemberData(nameof(OtherGroups))]
    public void GroupsOfAnotherSize_AreWithinTheBoundOfAReorderedSum(int ranks, int group)
    {
        // Large numbers that nearly cancel, so that the order of additions shows.
        var inputs = Enumerable.Range(0, ranks).Select(r => (r % 2 == 0 ? 1 : -1) * (1000f + (r * 0.37f))).ToArray();
        var exact = inputs.Sum(x => (double)x) / ranks / 2;
        var bound = (ranks + 2) * Math.Pow(2, -24) * inputs.Sum(x => Math.Abs((double)x)) / ranks / 2;
        Assert.True(Math.Abs(exact) > 10 * bound, "the mean must be far above the bound for the test to mean something");
        foreach (var policy in Policies(group))
            Assert.All(Weights(ranks, policy, inputs), w => Assert.Equal(exact, w, bound));
    }

    [Fact]
    public void Mesh_GivenAsSuch_IsTheSameAsTheGroupSize()
    {
        var bySize = Weights(4, new ShardingPolicy { ShardGroupSize = 2 }, [1, 2, 3, 5]);
        var byMesh = Weights(4, ShardingPolicy.Zero3, [1, 2, 3, 5], rank => new DeviceMesh(rank.Group, [2, 2], ["replicate", "shard"]));
        Assert.Equal(bySize, byMesh);
    }

    [Fact]
    public void Mesh_WithOtherAxes_IsRefused_NamingThem() => Ranks.Run(2, rank =>
    {
        var error = Assert.Throws<ArgumentException>(
            () => FullyShard.Apply(new ToyModel(), new DeviceMesh(rank.Group, "tensor"), rank.Tensors, ShardingPolicy.Zero3));
        Assert.Equal("FullyShard takes a mesh with the axis 'shard', or 'replicate' and 'shard' in this order; found 'tensor'.", error.Message);
    });

    [Fact]
    public void Mesh_AgainstTheGroupSize_IsRefused() => Ranks.Run(2, rank =>
    {
        var error = Assert.Throws<ArgumentException>(
            () => FullyShard.Apply(new ToyModel(), rank.Mesh, rank.Tensors, new ShardingPolicy { ShardGroupSize = 1 }));
        Assert.StartsWith("ShardGroupSize is 1, but the mesh shards over 2 ranks; leave one of them out.", error.Message, StringComparison.Ordinal);
    });

    // Within a group of S ranks each holds P / S, however many groups there are.
    [Fact]
    public void States_AreThoseOfOneGroup()
    {
        var flat = Run(2, 1, ShardingPolicy.Zero3).Run().Traces[0];
        var hybrid = Run(6, 1, new ShardingPolicy { ShardGroupSize = 2 }).Run().Traces[0];
        foreach (var kind in (MemoryKind[])[MemoryKind.Parameter, MemoryKind.Optimizer])
            Assert.Equal(flat.LeftBytes[(int)kind], hybrid.LeftBytes[(int)kind]);
        Assert.Equal(flat.PeakBytes[(int)MemoryKind.Gathered], hybrid.PeakBytes[(int)MemoryKind.Gathered]);
    }

    private static IEnumerable<ShardingPolicy> Policies(int group)
    {
        yield return new ShardingPolicy { Stage = 3, ShardGroupSize = group };
        yield return new ShardingPolicy { Stage = 2, ShardGroupSize = group };
        yield return new ShardingPolicy { Stage = 2, ShardGroupSize = group, BucketElements = 2048 };
        yield return new ShardingPolicy { Stage = 1, ShardGroupSize = group };
        yield return new ShardingPolicy { Stage = 1, ShardGroupSize = group, BucketElements = 1_000_000 };
        yield return new ShardingPolicy { Stage = 3, ShardGroupSize = group, ReshardAfterForward = ReshardAfterForward.No, Prefetch = new PrefetchDepth(2, 1) };
        if (group % 2 == 0 && group > 2)
            yield return new ShardingPolicy { Stage = 3, ShardGroupSize = group, ReshardAfterForward = ReshardAfterForward.Within(2) };
    }

    private static ToyRun Run(int ranks, int accumulation, ShardingPolicy policy) => new()
    {
        Model = () => new ToyModel(3),
        Ranks = ranks,
        Steps = 2,
        GlobalRows = ranks * accumulation,
        AccumulationSteps = accumulation,
        Policy = policy,
        RecordsAllCalls = true,
        Optimizer = parameters => new AdamW(parameters),
    };

    private static double[] Weights(int ranks, ShardingPolicy policy, float[] inputs, Func<RankContext, DeviceMesh>? mesh = null) => Ranks.Run(ranks, rank =>
    {
        var model = new OneWeight();
        var sharded = mesh is null
            ? FullyShard.Apply(model, rank, policy)
            : FullyShard.Apply(model, mesh(rank), rank.Tensors, policy);
        using (sharded.BeginStep())
        {
            model.Loss(rank.Tensors.From<float>([inputs[rank.Rank]], [1, 1])).Backward();
            new Sgd(sharded, new SgdOptions { LearningRate = 1 }).Step();
        }

        double found = 0;
        sharded.VisitParameters((_, value) => found = value.ToArray<float>()[0], everyRank: true);
        return found;
    });
}
