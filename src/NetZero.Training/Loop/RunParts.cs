using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Planning;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What a configuration asks for, as objects. Real runs and plans on Meta are built here alike.</summary>
internal static class RunParts
{
    /// <summary>The model's shape. What a file does not say (which GELU) comes from the folder that the run starts from.</summary>
    public static Gpt2Config Model(RunConfiguration run, bool exactGelu) => new()
    {
        LayerCount = run.Model.Layers,
        HeadCount = run.Model.Heads,
        EmbeddingSize = run.Model.Embedding,
        PositionCount = run.Model.Positions,
        VocabularySize = run.Model.VocabularySize,
        LayerNormEpsilon = (float)run.Model.LayerNormEpsilon,
        Dropout = (float)run.Model.Dropout,
        ExactGelu = exactGelu,
    };

    /// <summary>A distributed model on one rank.</summary>
    public static ShardedModule Shard(RunConfiguration run, Gpt2Config model, ProcessGroup group, TensorContext tensors, IParameterSource? source) =>
        FullyShard.Apply(
            new Gpt2(model), group, tensors, Policy(run.Zero), new ShardingOptions { GradientAccumulationSteps = run.AccumulationSteps, Source = source });

    /// <summary>The steps of one rank.</summary>
    public static TrainingLoop Loop(RunConfiguration run, ShardedModule module, IBatchSource data) =>
        new(module, Optimizer(run.Optimizer, module), data, new TrainingLoopOptions { Schedule = Schedule(run.Scheduler), GradientClipping = run.GradientClipping });

    /// <summary>The bytes that an optimizer's formula counts per parameter.</summary>
    public static StateWidths Widths(OptimizerConfiguration optimizer) => optimizer.Type switch
    {
        OptimizerKind.Sgd when optimizer.Momentum == 0 => StateWidths.SinglePrecisionSgd,
        OptimizerKind.Sgd => StateWidths.SinglePrecisionMomentum,
        _ => StateWidths.SinglePrecisionAdam,
    };

    private static ShardingPolicy Policy(ZeroConfiguration zero) => new()
    {
        Stage = zero.Stage,
        Reduction = zero.Reduce == ReduceMode.Last ? GradientReduction.LastMicroBatch : GradientReduction.EachMicroBatch,
    };

    private static Optimizer Optimizer(OptimizerConfiguration optimizer, IFlatParameters parameters) => optimizer.Type switch
    {
        OptimizerKind.AdamW => new AdamW(parameters, new AdamWOptions
        {
            LearningRate = optimizer.LearningRate,
            Beta1 = optimizer.Betas.First,
            Beta2 = optimizer.Betas.Second,
            Epsilon = optimizer.Epsilon,
            WeightDecay = optimizer.WeightDecay,
            WeightDecayAll = optimizer.WeightDecayAll,
        }),
        OptimizerKind.Sgd => new Sgd(parameters, new SgdOptions
        {
            LearningRate = optimizer.LearningRate,
            Momentum = optimizer.Momentum,
            WeightDecay = optimizer.WeightDecay,
            WeightDecayAll = optimizer.WeightDecayAll,
        }),
        _ => throw new ArgumentOutOfRangeException(nameof(optimizer), optimizer.Type, "Unknown optimizer."),
    };

    private static LearningRateSchedule Schedule(SchedulerConfiguration scheduler) => scheduler.Type switch
    {
        SchedulerKind.Constant => new ConstantSchedule(),
        SchedulerKind.WarmupLR => new WarmupSchedule(scheduler.WarmupSteps),
        SchedulerKind.WarmupCosineLR => new WarmupCosineSchedule(scheduler.WarmupSteps, scheduler.TotalSteps, scheduler.CosineMinimumRatio),
        _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler.Type, "Unknown scheduler."),
    };
}
