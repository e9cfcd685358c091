using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// Every way to run a step (stage, prefetch, resharding, buckets, accumulation, checkpointing: some 400 combinations over worlds of 1 to 9) computes the same bits, makes exactly the
/// collectives that its schedule declares, and holds exactly what the same program holds on Meta.
/// </summary>
public class PolicyGridTests
{
    private const int Steps = 2;

    // A block has 15 x 17 + 17 + 17 x 15 + 15 = 542 elements and the head 48; so a bucket of 2,048 holds two or three units and one of a million all.
    private static readonly long[] Buckets = [0, 2048, 1_000_000];

    // What is kept after forward is not gathered for backward: there depths differ forward alone.
    private static readonly PrefetchDepth[] Depths = [new(0, 0), PrefetchDepth.One, new(3, 2), new(0, 9)];

    public static TheoryData<int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (var ranks = 1; ranks <= 9; ranks++)
                foreach (var accumulation in (int[])[1, 3])
                    if (!IsSampled(ranks) || accumulation == 1 + (2 * (ranks % 2)))
                        data.Add(ranks, accumulation);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void EveryPolicy_ComputesTheBitsOfDataParallel(int ranks, int accumulation)
    {
        foreach (var reduction in Reductions(accumulation))
        {
            var reference = Run(ranks, accumulation, new ShardingPolicy { Stage = 0, Reduction = reduction }).Run();
            foreach (var (policy, checkpointing) in Drawn(ranks, accumulation))
                Run(ranks, accumulation, policy with { Reduction = reduction }, checkpointing).Run().AssertSameBits(reference);
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void EveryPolicy_HoldsWhatMetaPlans_AndCallsWhatItsScheduleDeclares(int ranks, int accumulation)
    {
        foreach (var reduction in Reductions(accumulation))
            foreach (var (policy, checkpointing) in Drawn(ranks, accumulation))
            {
                var run = Run(ranks, accumulation, policy with { Reduction = reduction }, checkpointing);
                var traces = run.Run().Traces;
                for (var rank = 0; rank < ranks; rank++)
                {
                    var found = traces[rank];
                    found.AssertHasTheBytesOf(run.Plan(rank));
                    CheckCalls(found);
                    foreach (var kind in (MemoryKind[])[MemoryKind.Gathered, MemoryKind.Gradient, MemoryKind.Activation, MemoryKind.Communication])
                        Assert.True(found.LeftBytes[(int)kind] == 0, $"{policy}: {found.LeftBytes[(int)kind]} bytes of {kind} outlived the step");
                }
            }
    }

    // Larger worlds walk a part of the policies each, together all kinds of them.
    private static bool IsSampled(int ranks) => ranks is 5 or > 6;

    private static IEnumerable<(ShardingPolicy Policy, ActivationCheckpointing? Checkpointing)> Drawn(int ranks, int accumulation)
    {
        var all = Checkpointed(Policies(ranks, accumulation));
        return IsSampled(ranks) ? all.Where((_, i) => i % 5 == ranks % 5) : all;
    }

    internal static void CheckCalls(ToyRun.Trace trace)
    {
        var declared = trace.Module.TrainingSchedule.Collectives().ToList();
        var made = trace.Calls.Where(c => c.Operation != CollectiveOperation.AllReduceScalars).ToList();
        Assert.Equal(
            Enumerable.Repeat(declared, Steps).SelectMany(d => d)
                .Select(d => (d.Operation, d.Label, d.Axis == "shard" ? trace.Module.ShardGroup.Name : d.Axis, d.Elements, d.WireBytes)),
            made.Select(c => (c.Operation, c.Unit, c.Group, c.Elements, c.WireBytes)));
        Assert.Equal(Steps * declared.Sum(d => d.WireBytes), trace.WireBytes);
    }

    internal static GradientReduction[] Reductions(int accumulation) =>
        accumulation == 1 ? [GradientReduction.EachMicroBatch] : [GradientReduction.EachMicroBatch, GradientReduction.LastMicroBatch];

    internal static IEnumerable<ShardingPolicy> Policies(int ranks, int accumulation)
    {
        for (var stage = 0; stage <= 2; stage++)
            foreach (var bucket in Buckets)
                yield return new ShardingPolicy { Stage = stage, BucketElements = bucket };
        foreach (var depth in Depths)
            foreach (var reshard in Reshards(ranks))
                foreach (var keep in (bool[])[false, true])
                    if (accumulation > 1 || !keep)
                    {
                        var prefetch = reshard.Keeps ? depth with { Backward = 1 } : depth;
                        yield return new ShardingPolicy { Stage = 3, Prefetch = prefetch, ReshardAfterForward = reshard, KeepGathered = keep };
                    }
    }

    // Blocks that save everything, each its input only, every third its input only: in turns.
    internal static IEnumerable<(ShardingPolicy Policy, ActivationCheckpointing? Checkpointing)> Checkpointed(IEnumerable<ShardingPolicy> policies) =>
        policies.Select((policy, i) => (policy, (i % 3) switch
        {
            0 => null,
            1 => new ActivationCheckpointing(),
            _ => new ActivationCheckpointing { Every = 3 },
        }));

    private static IEnumerable<ReshardAfterForward> Reshards(int ranks) =>
        [ReshardAfterForward.Yes, ReshardAfterForward.No, .. Enumerable.Range(2, Math.Max(0, ranks - 2)).Where(k => k < ranks && ranks % k == 0).Select(ReshardAfterForward.Within)];

    internal static ToyRun Run(int ranks, int accumulation, ShardingPolicy policy, ActivationCheckpointing? checkpointing = null) => new()
    {
        ActivationCheckpointing = checkpointing,
        Model = () => new ToyModel(4),
        Ranks = ranks,
        Steps = Steps,
        GlobalRows = ranks * accumulation,
        AccumulationSteps = accumulation,
        Clip = 0.1,
        RecordsAllCalls = true,
        Policy = policy,
        Optimizer = parameters => new Nn.AdamW(parameters),
    };
}
