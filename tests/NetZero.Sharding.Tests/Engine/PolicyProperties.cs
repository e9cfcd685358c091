using FsCheck;
using FsCheck.Fluent;
using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>What holds for every model, world and policy: drawn at random, with a fixed seed.</summary>
public class PolicyProperties
{
    // So many that the draws take some ten seconds; each runs its world twice, and every rank of it once more on Meta.
    private const int Draws = 120;

    // In which types parameters are, and which of them are frozen. The first is fp32, all of it trained.
    private static readonly (MixedPrecisionPolicy Precision, string[] Frozen)[] Kinds =
    [
        (MixedPrecisionPolicy.Single, []),
        (MixedPrecisionPolicy.Single with { Overrides = [new PrecisionOverride("**.weight") { ParameterDType = DType.BF16 }] }, []),
        (MixedPrecisionPolicy.BFloat16 with { Overrides = [new PrecisionOverride("**.bias") { ParameterDType = DType.F32, ReduceDType = DType.BF16 }] }, ["shared.bias"]),
        (MixedPrecisionPolicy.Single with { Overrides = [new PrecisionOverride("**.weight") { ParameterDType = DType.F16, GradientDType = DType.BF16 }] }, ["**.weight"]),
    ];

    private static readonly Gen<Patch> Patches =
        from hidden in Gen.Frequency((1, Gen.Constant(0)), (6, Gen.Choose(1, 40)))
        from runs in Gen.Frequency((5, Gen.Constant(1)), (2, Gen.Choose(2, 3)))
        from skips in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(1, 3)))
        select new Patch(hidden, runs, skips);

    private static readonly Gen<Draw> AnyDraw =
        from ranks in Gen.Choose(1, 9)
        from patches in Patches.ListOf().Select(p => p.Take(5).ToList())
        from features in Gen.Choose(1, 20)
        from interleaved in Gen.Elements(false, true)
        from accumulation in Gen.Elements(1, 1, 2, 3)
        from policy in PolicyOf(ranks)
        from checkpoints in Gen.Choose(0, 3)
        from kinds in Gen.Choose(0, Kinds.Length + 1)
        select new Draw(ranks, [.. patches], features, interleaved, accumulation, policy, checkpoints, kinds < Kinds.Length ? kinds : 0);

    [Fact]
    public void AnyPolicy_OnAnyModel_ComputesTheReferencesBits_HoldsWhatMetaPlans_AndCallsWhatItDeclares() =>
        Prop.ForAll(Arb.From(AnyDraw, Smaller), Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(Draws).WithReplay(4_213_377_001, 911));

    private static void Holds(Draw draw)
    {
        var outcome = draw.Run(draw.Policy, draw.Checkpointing).Run();

        // The reference shards over the same groups and cuts the same units, because norms are summed slice by slice; everything else is plain.
        var plain = new ShardingPolicy
        {
            Stage = draw.Policy.ShardGroupSize > 0 || draw.Policy.Ignored.Count > 0 ? 1 : 0,
            Reduction = draw.Policy.Reduction,
            ShardGroupSize = draw.Policy.ShardGroupSize,
            Units = draw.Policy.Units,
            MinimumUnitElements = draw.Policy.MinimumUnitElements,
            Ignored = draw.Policy.Ignored,
        };
        outcome.AssertSameBits(draw.Run(plain).Run());
        for (var rank = 0; rank < draw.Ranks; rank++)
        {
            var (planned, found) = (draw.Run(draw.Policy, draw.Checkpointing).Plan(rank), outcome.Traces[rank]);
            Assert.Equal(planned.PeakBytes, found.PeakBytes);
            Assert.Equal(planned.TotalPeakBytes, found.TotalPeakBytes);
            Assert.Equal(outcome.After[0], outcome.After[rank]);
            PolicyGridTests.CheckCalls(found);
            foreach (var kind in (MemoryKind[])[MemoryKind.Gathered, MemoryKind.Gradient, MemoryKind.Activation, MemoryKind.Communication])
                Assert.Equal(0, found.LeftBytes[(int)kind]);
        }
    }

    private static Gen<ShardingPolicy> PolicyOf(int ranks) =>
        from stage in Gen.Choose(0, 3)
        from reduction in Gen.Elements(GradientReduction.EachMicroBatch, GradientReduction.LastMicroBatch)
        from forward in Gen.Choose(0, 4)
        from backward in Gen.Choose(0, 4)
        from keep in Gen.Elements(false, true)
        from bucket in Gen.Elements(0L, 700L, 2000L, 100_000L)
        from shards in Gen.Elements([0, .. Divisors(ranks)])
        from reshard in Gen.Elements([ReshardAfterForward.Yes, ReshardAfterForward.No, .. Divisors(shards == 0 ? ranks : shards).SkipLast(1).Select(ReshardAfterForward.Within)])
        from smallest in Gen.Elements(0L, 0L, 300L)
        from ignored in Gen.Elements(Array.Empty<string>(), [], ["**.bias"], ["shared.*"])
        from root in Gen.Elements(false, true)
        from other in Gen.Choose(0, 6)
        select Meaningful(new ShardingPolicy
        {
            Stage = stage,
            Reduction = reduction,
            Prefetch = new PrefetchDepth(forward, backward),
            KeepGathered = keep,
            BucketElements = bucket,
            ShardGroupSize = shards,
            ReshardAfterForward = reshard,
            MinimumUnitElements = smallest,
            Ignored = ignored,
            Overrides = OverrideOf(stage, other <= 3 && other != stage ? other : null, root),
        }, ranks);

    // What would change nothing is refused: another stage than the policy's, and letting go of the root, which is kept, where it is gathered at all.
    private static UnitOverride[] OverrideOf(int stage, int? other, bool letsGo) => (other, letsGo && (other ?? stage) == 3) switch
    {
        (null, false) => [],
        var (_, lets) => [new UnitOverride("root") { Stage = other, ReshardAfterForward = lets ? ReshardAfterForward.Yes : null }],
    };

    // Settings that would have no effect where they were drawn are left out, as the checks ask.
    private static ShardingPolicy Meaningful(ShardingPolicy policy, int ranks)
    {
        while (policy.Problems(ranks).FirstOrDefault() is { } problem)
            policy = problem.Property switch
            {
                nameof(ShardingPolicy.KeepGathered) => policy with { KeepGathered = false },
                nameof(ShardingPolicy.Prefetch) => policy with { Prefetch = PrefetchDepth.One },
                nameof(ShardingPolicy.ReshardAfterForward) => policy with { ReshardAfterForward = default, Overrides = [] },
                nameof(ShardingPolicy.BucketElements) => policy with { BucketElements = 0 },
                nameof(ShardingPolicy.ShardGroupSize) => policy with { ShardGroupSize = 0 },
                nameof(ShardingPolicy.Ignored) => policy with { Ignored = [] },
                _ => throw new InvalidOperationException($"No draw should have this problem: {problem}"),
            };

        // The patterns match something in the root, and perhaps nothing elsewhere.
        return (policy.Overrides is [{ Stage: { } root }] ? root : policy.Stage) == 0 ? policy with { Ignored = [] } : policy;
    }

    private static IEnumerable<int> Divisors(int ranks) => Enumerable.Range(2, Math.Max(0, ranks - 1)).Where(k => ranks % k == 0);

    private static IEnumerable<Draw> Smaller(Draw draw)
    {
        for (var i = 0; i < draw.Patches.Length; i++)
            yield return draw with { Patches = [.. draw.Patches.Where((_, j) => j != i)] };
        for (var i = 0; i < draw.Patches.Length; i++)
            if (draw.Patches[i] != new Patch(1))
                yield return draw with { Patches = [.. draw.Patches.Select((p, j) => j == i ? new Patch(1) : p)] };
        if (draw.Checkpoints > 0)
            yield return draw with { Checkpoints = 0 };
        if (draw.Kinds > 0)
            yield return draw with { Kinds = 0 };
        if (draw.Accumulation > 1)
            yield return draw with { Accumulation = 1 };
        var simple = ShardingPolicy.ForStage(draw.Policy.Stage);
        if (draw.Policy != simple)
            yield return draw with { Policy = simple };
    }

    private sealed record Draw(int Ranks, Patch[] Patches, int Features, bool Interleaved, int Accumulation, ShardingPolicy Policy, int Checkpoints, int Kinds)
    {
        /// <summary>Every block or every second or third saves its input only; null where there are too few blocks for it.</summary>
        public ActivationCheckpointing? Checkpointing =>
            Checkpoints > 0 && Checkpoints <= Patches.Length && Policy.MinimumUnitElements == 0 ? new ActivationCheckpointing { Every = Checkpoints } : null;

        public ToyRun Run(ShardingPolicy policy, ActivationCheckpointing? checkpointing = null) => new()
        {
            ActivationCheckpointing = checkpointing,
            Model = () => new PatchworkModel(Patches, Features, Interleaved),
            Prepare = (model, rank) => ((PatchworkModel)model).Rank = rank.Rank,
            Ranks = Ranks,
            Steps = 2,
            GlobalRows = Ranks * Accumulation * 2,
            AccumulationSteps = Accumulation,
            Clip = 0.05,
            Precision = PolicyProperties.Kinds[Kinds].Precision,
            Frozen = PolicyProperties.Kinds[Kinds].Frozen,
            Policy = policy,
            RecordsAllCalls = true,
            Optimizer = parameters => new AdamW(parameters),
        };

        public override string ToString() =>
            $"{Ranks} ranks, {Features} features, blocks {string.Join(", ", Patches.Select(p => p.ToString()))}{(Interleaved ? " interleaved" : "")}, "
            + $"{Accumulation} micro-batches, {Checkpointing}, kinds {Kinds}, {Policy} ignoring {string.Join(", ", Policy.Ignored)}, overrides {string.Join(", ", Policy.Overrides)}";
    }
}
