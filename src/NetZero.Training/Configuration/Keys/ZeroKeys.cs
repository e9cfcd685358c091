using NetZero.Sharding;

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>zero_optimization</c>.</summary>
internal static class ZeroKeys
{
    private static readonly (Func<ZeroConfiguration, bool> Applies, string Where) Gathering =
        (z => z.ToPolicy().ShardsSomeParameters, "zero_optimization.stage 3");

    private static readonly Section<ZeroConfiguration> Prefetch = new(
        Depth("forward", p => p.Forward, (p, v) => p with { Forward = v }, "Forward passes: blocks that are gathered ahead of the one that computes."),
        Depth("backward", p => p.Backward, (p, v) => p with { Backward = v }, "Backward passes: blocks that are gathered ahead of the one that computes."));

    /// <summary>The section itself.</summary>
    public static readonly Section<ZeroConfiguration> Section = new(
        new ValueKey<ZeroConfiguration, int>(
            "stage", new StageOrPreset(), z => z.Stage, (z, v) => z with { Stage = v },
            "What is sharded over the ranks: 0 nothing, 1 optimizer state, 2 gradients too, 3 parameters too."),
        new ValueKey<ZeroConfiguration, GradientReduction>(
            "reduce", new Choice<GradientReduction>(("each", GradientReduction.EachMicroBatch), ("last", GradientReduction.LastMicroBatch)), z => z.Reduce, (z, v) => z with { Reduce = v },
            "With accumulation: reduce each micro-batch (least memory) or their sum with the last (least traffic)."),
        new ValueKey<ZeroConfiguration, bool>(
            "keep_gathered", new Flag(), z => z.KeepGathered, (z, v) => z with { KeepGathered = v },
            "Stage 3 with accumulation: whether parameters stay gathered from one micro-batch to the next.")
        { Only = Gathering },
        new ValueKey<ZeroConfiguration, ReshardAfterForward>(
            "reshard_after_forward", new ReshardChoice(), z => z.ReshardAfterForward, (z, v) => z with { ReshardAfterForward = v },
            "Stage 3: whether a block's parameters are let go after its forward; a number keeps a second copy within groups of that many ranks, where backward gathers it.")
        { Only = Gathering },
        new SectionKey<ZeroConfiguration, ZeroConfiguration>("prefetch", Prefetch, z => z, (_, v) => v, "Stage 3: how far ahead gathers start."),
        new ValueKey<ZeroConfiguration, long>(
            "reduce_bucket_size", new WholeNumber<long>(0), z => z.ReduceBucketSize, (z, v) => z with { ReduceBucketSize = v },
            "Stages 0 to 2: gradients of neighbouring blocks are reduced together up to this many elements; 0 reduces each block by itself."),
        new ValueKey<ZeroConfiguration, int>(
            "shard_group_size", new WholeNumber<int>(0), z => z.ShardGroupSize, (z, v) => z with { ShardGroupSize = v },
            "Hybrid sharding: states are sharded over groups of this many ranks, which are replicas of each other; 0 shards over all ranks."),
        new ValueKey<ZeroConfiguration, IReadOnlyList<string>>(
            "units", new TextList(), z => z.Units, (z, v) => z with { Units = v },
            "Patterns of the modules that are gathered and reduced as a whole, such as \"h.*\"; by default the model's blocks."),
        new ValueKey<ZeroConfiguration, long>(
            "min_num_params", new WholeNumber<long>(0), z => z.MinimumParameters, (z, v) => z with { MinimumParameters = v },
            "Units with fewer parameters than this join the root unit."),
        new ValueKey<ZeroConfiguration, IReadOnlyList<string>>(
            "ignored", new TextList(), z => z.Ignored, (z, v) => z with { Ignored = v },
            "Patterns of parameters that are not sharded but whole on every rank, such as \"**.bias\"."),
        new ValueKey<ZeroConfiguration, IReadOnlyList<UnitOverride>>(
            "overrides", new OverrideMap(), z => z.Overrides, (z, v) => z with { Overrides = v },
            "What single units do otherwise: a pattern of their names, and their stage or reshard_after_forward; later ones win."));

    /// <summary>The key that holds a property of the policy.</summary>
    public static string KeyOf(string property) => property switch
    {
        nameof(ShardingPolicy.BucketElements) => "reduce_bucket_size",
        nameof(ShardingPolicy.MinimumUnitElements) => "min_num_params",
        _ => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(property),
    };

    private static ValueKey<ZeroConfiguration, int> Depth(string name, Func<PrefetchDepth, int> get, Func<PrefetchDepth, int, PrefetchDepth> set, string description) =>
        new(name, new WholeNumber<int>(0), z => get(z.Prefetch), (z, v) => z with { Prefetch = set(z.Prefetch, v) }, description) { Only = Gathering };
}
