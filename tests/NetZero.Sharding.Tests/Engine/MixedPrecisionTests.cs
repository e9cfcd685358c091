using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>16-bit copies of fp32 masters: every stage computes the same bits, holds what Meta plans, calls what its schedule declares, and keeps each type's bytes and no more.</summary>
public class MixedPrecisionTests
{
    private const int Steps = 2;

    private static readonly (string Name, MixedPrecisionPolicy Policy)[] Precisions =
    [
        ("bf16", MixedPrecisionPolicy.BFloat16),
        ("bf16, gradients too", MixedPrecisionPolicy.BFloat16 with { GradientDType = DType.BF16, ReduceDType = DType.BF16 }),
        ("bf16 gradients, reduced in fp32", MixedPrecisionPolicy.BFloat16 with { GradientDType = DType.BF16 }),
        ("fp16, reduced in fp16", MixedPrecisionPolicy.Half with { ReduceDType = DType.F16 }),
        ("fp32, reduced in bf16", MixedPrecisionPolicy.Single with { ReduceDType = DType.BF16 }),
    ];

    public static TheoryData<string, int, int> Runs
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var (name, _) in Precisions)
                foreach (var ranks in (int[])[1, 2, 3, 4, 7, 8, 9])
                    foreach (var accumulation in (int[])[1, 3])
                        if (ranks <= 4 || accumulation == 1 + (2 * (ranks % 2)))
                            data.Add(name, ranks, accumulation);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void EveryStage_ComputesTheBitsOfDataParallel_HoldsWhatMetaPlans_AndCallsWhatItsScheduleDeclares(string precision, int ranks, int accumulation)
    {
        var reference = Run(precision, ranks, accumulation, ShardingPolicy.DataParallel).Run();
        ToyRun.Outcome? hybrid = null;
        foreach (var policy in Policies(ranks))
        {
            var run = Run(precision, ranks, accumulation, policy);
            var found = run.Run();

            // Hybrid meshes have norms of their own and round between their two levels: their bits are those of each other.
            found.AssertSameBits(policy.ShardGroupSize == 0 ? reference : hybrid ??= found);
            for (var rank = 0; rank < ranks; rank++)
            {
                found.Traces[rank].AssertHasTheBytesOf(run.Plan(rank));
                PolicyGridTests.CheckCalls(found.Traces[rank]);
            }
        }
    }

    // What is clipped takes the norm in, which is summed slice by slice; and what travels in 16 bits is rounded between the two levels.
    [Fact]
    public void HybridGroupsOfTwo_ReducedInSingle_HaveTheBitsOfTheFlatMesh_WithoutClipping()
    {
        foreach (var (name, _) in Precisions.Where(p => p.Policy.ReduceDType == DType.F32))
        {
            var flat = (Run(name, 4, 3, ShardingPolicy.DataParallel) with { Clip = 0 }).Run();
            foreach (var policy in Policies(4).Where(policy => policy.ShardGroupSize > 0))
                (Run(name, 4, 3, policy) with { Clip = 0 }).Run().AssertSameTraining(flat);
        }
    }

    [Theory]
    [InlineData(2, 1, "compute")]
    [InlineData(3, 3, "communication")]
    [InlineData(4, 1, null)]
    public void OnADeviceThatRunsLater_TheBitsAreTheProcessors(int ranks, int accumulation, string? slow)
    {
        var seed = 0;
        foreach (var (name, _) in Precisions)
        {
            var reference = Run(name, ranks, accumulation, ShardingPolicy.DataParallel).Run();
            foreach (var policy in Policies(ranks).Where(policy => policy.ShardGroupSize == 0))
                (Run(name, ranks, accumulation, policy) with { Device = new DelayedDevice(new DelayedTiming(seed++, slow)) }).Run().AssertSameBits(reference);
        }
    }

    // The last 16-bit copy is that of the last master: what the model computes with is what is saved, rounded.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhatTheModelComputesWith_IsTheMasterRounded(int stage)
    {
        Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.BFloat16 });
            Train(model, sharded, rank, new Sgd(sharded));
            using var units = sharded.Unshard("blocks.1");
            using var master = sharded.GatherParameter("blocks.1.up.weight");
            Assert.Equal(DType.F32, master.Value.DType);
            Assert.Equal(DType.BF16, model.Blocks[1].Up.Weight.Value.DType);
            Assert.Equal(master.Value.Cast(DType.BF16).Cast(DType.F32).ToArray<float>(), model.Blocks[1].Up.Weight.Value.Detach().Cast(DType.F32).ToArray<float>());
            return 0;
        });
    }

    // 2 + 4 + 12 bytes a parameter at stage 0 and 2 + 2 + 12 with 16-bit accumulation; the optimizer's and the masters' 12 are shared from stage 1, gradients from stage 2, and at stage 3 there
    // is no resting copy. Slices are padded to 256 elements, so sizes are those of the layout.
    [Theory]
    [InlineData(0, DType.F32)]
    [InlineData(0, DType.BF16)]
    [InlineData(1, DType.F32)]
    [InlineData(2, DType.BF16)]
    [InlineData(3, DType.F32)]
    [InlineData(3, DType.BF16)]
    public void ModelStates_AreTheSumOfTheirTypes(int stage, DType gradients)
    {
        const int ranks = 3;
        var precision = MixedPrecisionPolicy.BFloat16 with { GradientDType = gradients, ReduceDType = gradients };
        Ranks.Run(ranks, rank =>
        {
            var model = new ToyModel(3);
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.ForStage(stage), new ShardingOptions { MixedPrecision = precision });
            var optimizer = new AdamW(sharded);
            optimizer.Prepare();
            long[] atUpdate = [];
            using (var step = sharded.BeginStep())
            {
                step.Backward(model.Loss(Inputs(rank), rank.Tensors.From<int>([0, 1], [2])));
                atUpdate = rank.Tensors.Ledger.Snapshot();
                optimizer.Step();
            }

            var whole = sharded.Units.Sum(u => u.PaddedElements);
            var slice = whole / ranks;
            Assert.Equal((stage == 3 ? 0 : 2 * whole) + (4 * (stage == 0 ? whole : slice)), atUpdate[(int)MemoryKind.Parameter]);
            Assert.Equal(gradients.SizeInBytes() * (stage >= 2 ? slice : whole), atUpdate[(int)MemoryKind.Gradient]);
            Assert.Equal(8 * (stage == 0 ? whole : slice), atUpdate[(int)MemoryKind.Optimizer]);
            Assert.Equal(0, atUpdate[(int)MemoryKind.Gathered]);
            return 0;
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void GatheredUnitsAndActivations_AreHalfOfThoseInSingle(int ranks)
    {
        ToyRun.Trace Peak(MixedPrecisionPolicy precision) => Run(precision, ranks, 1, ShardingPolicy.Zero3).Plan(0);
        var (single, half) = (Peak(MixedPrecisionPolicy.Single).PeakBytes, Peak(MixedPrecisionPolicy.BFloat16).PeakBytes);
        Assert.Equal(single[(int)MemoryKind.Gathered], 2 * half[(int)MemoryKind.Gathered]);
        if (ranks > 1)
            Assert.True(half[(int)MemoryKind.Gathered] > 0);

        // The inputs come in fp32, the loss, its row statistics and its gradient are fp32, and sizes are rounded to 64 bytes.
        Assert.InRange(half[(int)MemoryKind.Activation], 1, (long)(0.75 * single[(int)MemoryKind.Activation]));
    }

    [Fact]
    public void Gradients_GatheredByHand_AreUnscaledSingles()
    {
        var plain = WithGradient(null);
        Assert.Equal(plain, WithGradient(new LossScalerOptions { LossScale = 1024 }));

        static float[] WithGradient(LossScalerOptions? scaler) => Ranks.Run(2, rank =>
        {
            var model = new ToyModel();
            var options = new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.BFloat16 with { GradientDType = DType.BF16 }, LossScaler = scaler };
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero2, options);
            using var step = sharded.BeginStep();
            step.Backward(model.Loss(Inputs(rank), rank.Tensors.From<int>([0, 1], [2])));
            using var gradient = sharded.GatherGradient("head.weight");
            return gradient.Value.ToArray<float>();
        })[0];
    }

    [Fact]
    public void WhatTheModelReturns_HasTheOutputType_AndScalarsAreSingles()
    {
        Ranks.Run(1, rank =>
        {
            var model = new Gpt2(new Gpt2Config { LayerCount = 1, HeadCount = 1, EmbeddingSize = 8, PositionCount = 4, VocabularySize = 11 });
            var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3, new ShardingOptions { MixedPrecision = MixedPrecisionPolicy.BFloat16 });
            using var pass = sharded.BeginEvaluation();
            Assert.Equal(DType.F32, model.NextTokenLogits(rank.Tensors.From<int>([1, 2], [1, 2])).DType);
            return 0;
        });
    }

    [Fact]
    public void TypesWithoutArithmetic_AreRefused()
    {
        var options = new ShardingOptions { MixedPrecision = new MixedPrecisionPolicy { GradientDType = DType.I32 } };
        var error = Assert.Throws<ArgumentException>(() => FullyShard.Validate(new ToyModel(), ShardingPolicy.Zero3, 2, options));
        Assert.Equal("GradientDType is I32; it must be F32, BF16 or F16.", error.Message);
    }

    internal static Tensor Inputs(Collectives.RankContext rank) =>
        rank.Tensors.From<float>([.. Enumerable.Range(0, 30).Select(i => (((i + rank.Rank) * 7919 % 200) / 100f) - 1)], [2, 15]).Cast(DType.BF16);

    private static void Train(ToyModel model, ShardedModule sharded, Collectives.RankContext rank, Optimizer optimizer)
    {
        using var step = sharded.BeginStep();
        step.Backward(model.Loss(Inputs(rank), rank.Tensors.From<int>([0, 1], [2])));
        optimizer.Step();
    }

    private static IEnumerable<ShardingPolicy> Policies(int ranks)
    {
        yield return ShardingPolicy.DataParallel with { BucketElements = 2048 };
        yield return ShardingPolicy.Zero1;
        yield return ShardingPolicy.Zero2;
        yield return ShardingPolicy.Zero2 with { BucketElements = 2048 };
        yield return ShardingPolicy.Zero3;
        yield return ShardingPolicy.Zero3 with { Prefetch = new PrefetchDepth(3, 1), ReshardAfterForward = ReshardAfterForward.No };
        if (ranks != 4)
            yield break;
        yield return ShardingPolicy.Zero3 with { ReshardAfterForward = ReshardAfterForward.Within(2) };
        yield return ShardingPolicy.Zero1 with { ShardGroupSize = 2 };
        yield return ShardingPolicy.Zero2 with { ShardGroupSize = 2 };
        yield return ShardingPolicy.Zero3 with { ShardGroupSize = 2 };
    }

    private static ToyRun Run(string precision, int ranks, int accumulation, ShardingPolicy policy) =>
        Run(Precisions.First(p => p.Name == precision).Policy, ranks, accumulation, policy);

    private static ToyRun Run(MixedPrecisionPolicy precision, int ranks, int accumulation, ShardingPolicy policy) => new()
    {
        Model = () => new ToyModel(4),
        Ranks = ranks,
        Steps = Steps,
        GlobalRows = ranks * accumulation * 2,
        AccumulationSteps = accumulation,
        Clip = 0.1,
        RecordsAllCalls = true,
        Policy = policy,
        Precision = precision,
        Optimizer = parameters => new AdamW(parameters),
    };
}
