using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>What is sharded over which ranks and when it moves: the ZeRO stage and what surrounds it, as data. One engine runs all of them.</summary>
/// <remarks>Stages as in Rajbhandari et al. 2020 (ZeRO), section 5. fp32 model states per rank with Adam, for P parameters on N ranks:
/// stage 0: 16 P; stage 1: 8 P + 8 P/N; stage 2: 4 P + 12 P/N; stage 3: 16 P/N. Under hybrid sharding N is <see cref="ShardGroupSize"/>.</remarks>
public sealed partial record ShardingPolicy
{
    /// <summary>Plain data parallel: every rank holds everything, gradients are all-reduced.</summary>
    public static ShardingPolicy DataParallel { get; } = new() { Stage = 0 };

    /// <summary>Optimizer states sharded.</summary>
    public static ShardingPolicy Zero1 { get; } = new() { Stage = 1 };

    /// <summary>Optimizer states and gradients sharded.</summary>
    public static ShardingPolicy Zero2 { get; } = new() { Stage = 2 };

    /// <summary>Optimizer states, gradients and parameters sharded.</summary>
    public static ShardingPolicy Zero3 { get; } = new() { Stage = 3 };

    /// <summary>The ZeRO stage, 0 to 3.</summary>
    public int Stage
    {
        get;
        init => field = value is >= 0 and <= 3
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"ZeRO stage {value} does not exist; stages are 0, 1, 2 and 3.");
    } = 3;

    /// <summary>When gradients are reduced under accumulation.</summary>
    public GradientReduction Reduction { get; init; } = GradientReduction.EachMicroBatch;

    /// <summary>Under accumulation: whether parameters that a backward pass has used stay gathered for the next micro-batch. Saves its forward gathers and holds the model whole meanwhile.</summary>
    public bool KeepGathered { get; init; }

    /// <summary>What becomes of gathered blocks between forward and backward. The root unit is always kept, unless an override names it.</summary>
    public ReshardAfterForward ReshardAfterForward { get; init; }

    /// <summary>How far ahead gathers start.</summary>
    public PrefetchDepth Prefetch { get; init; } = PrefetchDepth.One;

    /// <summary>Where parameters are replicated (stages 0 to 2): neighbouring units are reduced together while they have at most this many elements. 0 reduces each by itself.</summary>
    /// <remarks>
    /// DDP's <c>bucket_cap_mb</c>, DeepSpeed's <c>reduce_bucket_size</c>. A unit is never cut: one that is larger is a bucket of its own. Gradients of a bucket are copied to
    /// a buffer (<see cref="Tensors.MemoryKind.Communication"/>) that lives from the bucket's first unit to the end of its reduction.
    /// </remarks>
    public long BucketElements { get; init; }

    /// <summary>Hybrid sharding: states are sharded over groups of this many neighbouring ranks, and the groups are replicas of each other. 0 shards over all ranks.</summary>
    /// <remarks>
    /// FSDP's HSDP (<c>replicate</c> x <c>shard</c> mesh), DeepSpeed's MiCS (<c>mics_shard_size</c>; Zhang et al. 2022). As many as there
    /// are ranks is all of them: programs compute the number, as the ranks of a node, and one node is no mistake. A configuration, in
    /// which somebody wrote it, is told.
    /// </remarks>
    public int ShardGroupSize { get; init; }

    /// <summary>Which modules are units, as <see cref="NamePattern"/>s of their names; empty takes what the model declares.</summary>
    public IReadOnlyList<string> Units { get; init; } = [];

    /// <summary>Units with fewer elements than this are none: their parameters join the root unit. 0 keeps all.</summary>
    public long MinimumUnitElements { get; init; }

    /// <summary>Parameters that are not sharded, as <see cref="NamePattern"/>s of their names: whole on every rank, reduced and updated as at stage 0.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>What some units do otherwise; later ones win.</summary>
    public IReadOnlyList<UnitOverride> Overrides { get; init; } = [];

    /// <summary>Whether parameters are sharded, and so gathered before use.</summary>
    public bool ShardsParameters => Stage == 3;

    /// <summary>Whether a rank keeps only its slice of the reduced gradients.</summary>
    public bool ShardsGradients => Stage >= 2;

    /// <summary>Whether a rank keeps optimizer state for its slice only, updates that, and needs the others' updates.</summary>
    public bool ShardsOptimizer => Stage >= 1;

    /// <summary>The preset of a stage.</summary>
    public static ShardingPolicy ForStage(int stage) => new() { Stage = stage };

    /// <summary>The presets by name; <c>fsdp</c> is <c>zero3</c>.</summary>
    public static IReadOnlyList<(string Name, ShardingPolicy Policy)> Presets { get; } =
        [("ddp", DataParallel), ("zero1", Zero1), ("zero2", Zero2), ("zero3", Zero3), ("fsdp", Zero3)];

    /// <summary>The preset of a name, one of <see cref="Presets"/>.</summary>
    /// <exception cref="ArgumentException">No such preset.</exception>
    public static ShardingPolicy Named(string name) => Presets.FirstOrDefault(preset => preset.Name == name).Policy
        ?? throw new ArgumentException($"There is no sharding preset '{name}'; the presets are {string.Join(", ", Presets.Select(preset => preset.Name))}.", nameof(name));

    /// <summary>What is sharded over whom, in a few words such as <c>ZeRO stage 3 in groups of 4 ranks, otherwise for h.0</c>.</summary>
    public string Title =>
        $"ZeRO stage {Stage}{(ShardGroupSize > 0 ? $" in groups of {ShardGroupSize} ranks" : "")}{(Overrides.Count > 0 ? $", otherwise for {string.Join(", ", Overrides.Select(o => o.Units))}" : "")}";

    /// <summary>The policy of one unit: this one with what overrides say of it.</summary>
    /// <param name="unit">The unit's name.</param>
    /// <param name="isRoot">Whether it is the root unit, which stays gathered until its backward unless an override names it.</param>
    internal ShardingPolicy For(string unit, bool isRoot)
    {
        var policy = isRoot ? this with { ReshardAfterForward = ReshardAfterForward.No } : this;
        foreach (var other in Overrides)
            if (NamePattern.Matches(other.Units, unit))
                policy = policy with { Stage = other.Stage ?? policy.Stage, ReshardAfterForward = other.ReshardAfterForward ?? policy.ReshardAfterForward };
        return policy;
    }
}
