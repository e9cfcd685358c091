using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
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
            new Gpt2(model), group, tensors, run.Zero.ToPolicy(),
            new ShardingOptions
            {
                GradientAccumulationSteps = run.AccumulationSteps,
                Source = source,
                Frozen = run.Frozen,
                MixedPrecision = run.Precision.ToPolicy(),
                LossScaler = run.Precision.ToScaler(),
                ActivationCheckpointing = run.Checkpointing.ToOption(),
            });

    /// <summary>Takes the memory from which checkpoints are written while training goes on, as the first save does; null where the run needs none.</summary>
    public static CheckpointSaver? Snapshots(RunConfiguration run, ShardedModule module, Optimizer optimizer)
    {
        if (run.Checkpoints is not { IsOn: true, Async: true })
            return null;
        var saver = new CheckpointSaver(new CheckpointFolder(RunFolder.CheckpointsFolder), module, optimizer, run.Checkpoints.ToOptions());
        saver.Prepare();
        return saver;
    }

    /// <summary>The steps of one rank.</summary>
    public static TrainingLoop Loop(RunConfiguration run, ShardedModule module, Optimizer optimizer, IBatchSource data) =>
        new(module, optimizer, data, new TrainingLoopOptions
        {
            Schedule = run.Scheduler.Make(),
            GradientClipping = run.GradientClipping,
            GradientClippingNorm = run.GradientClippingNorm,
            GradientClippingValue = run.GradientClippingValue,
            UnevenInputs = run.Data.UnevenInputs,
        });
}
