namespace NetZero.Sharding;

/// <summary>What is sharded and when it moves: the ZeRO stage as data. One engine runs all of them.</summary>
/// <remarks>Stages as in Rajbhandari et al. 2020 (ZeRO), section 5. fp32 model states per rank with Adam, for P parameters on N ranks:
/// stage 0: 16 P; stage 1: 8 P + 8 P/N; stage 2: 4 P + 12 P/N; stage 3: 16 P/N.</remarks>
public sealed record ShardingPolicy
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

    /// <summary>Whether parameters are sharded, and so gathered before use.</summary>
    public bool ShardsParameters => Stage == 3;

    /// <summary>Whether a rank keeps only its slice of the reduced gradients.</summary>
    public bool ShardsGradients => Stage >= 2;

    /// <summary>Whether a rank keeps optimizer state for its slice only, updates that, and needs the others' updates.</summary>
    public bool ShardsOptimizer => Stage >= 1;

    /// <summary>The preset of a stage.</summary>
    public static ShardingPolicy ForStage(int stage) => new() { Stage = stage };
}

/// <summary>When gradients are reduced over ranks if a step has several micro-batches.</summary>
public enum GradientReduction
{
    /// <summary>After each one, then added to the sum in order: least memory.</summary>
    EachMicroBatch,

    /// <summary>Added up locally and reduced after the last: least traffic, but each rank holds whole gradients meanwhile.</summary>
    LastMicroBatch,
}
