using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>The section <c>zero_optimization</c>. What each value means stands with <see cref="ShardingPolicy"/>.</summary>
public sealed record ZeroConfiguration
{
    /// <summary>What is sharded over the ranks: 0 nothing, 1 optimizer state, 2 gradients too, 3 parameters too.</summary>
    public int Stage { get; init; }

    /// <summary>When gradients of micro-batches are reduced.</summary>
    public GradientReduction Reduce { get; init; } = GradientReduction.EachMicroBatch;

    /// <summary>Stage 3: whether parameters stay gathered from one micro-batch to the next.</summary>
    public bool KeepGathered { get; init; }

    /// <summary>Stage 3: what becomes of gathered blocks between forward and backward.</summary>
    public ReshardAfterForward ReshardAfterForward { get; init; }

    /// <summary>Stage 3: how far ahead gathers start.</summary>
    public PrefetchDepth Prefetch { get; init; } = PrefetchDepth.One;

    /// <summary>Stages 0 to 2: elements up to which neighbouring units are reduced together; 0 reduces each by itself.</summary>
    public long ReduceBucketSize { get; init; }

    /// <summary>Hybrid sharding: ranks of one group, which share the states; 0 is all ranks.</summary>
    public int ShardGroupSize { get; init; }

    /// <summary>Patterns of the modules that are units; empty takes the model's blocks.</summary>
    public IReadOnlyList<string> Units { get; init; } = [];

    /// <summary>Units with fewer parameters than this join the root unit.</summary>
    public long MinimumParameters { get; init; }

    /// <summary>Patterns of parameters that are not sharded.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>What some units do otherwise.</summary>
    public IReadOnlyList<UnitOverride> Overrides { get; init; } = [];

    /// <summary>The engine's policy.</summary>
    public ShardingPolicy ToPolicy() => new()
    {
        Stage = Stage,
        Reduction = Reduce,
        KeepGathered = KeepGathered,
        ReshardAfterForward = ReshardAfterForward,
        Prefetch = Prefetch,
        BucketElements = ReduceBucketSize,
        ShardGroupSize = ShardGroupSize,
        Units = Units,
        MinimumUnitElements = MinimumParameters,
        Ignored = Ignored,
        Overrides = Overrides,
    };
}
