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

    /// <summary>The model without memory, with the adapters that the run trains, if any.</summary>
    /// <exception cref="ArgumentException">Adapters of layers that there are not.</exception>
    public static Gpt2 Module(RunConfiguration run, bool exactGelu) => Module(run, Model(run, exactGelu));

    /// <summary>The same of a known shape.</summary>
    public static Gpt2 Module(RunConfiguration run, Gpt2Config model)
    {
        var module = new Gpt2(model);
        if (run.Lora.ToOptions() is { } options)
            Lora.Apply(module, options, run.Lora.Storage);
        return module;
    }

    /// <summary>A distributed model on one rank.</summary>
    public static ShardedModule Shard(RunConfiguration run, Gpt2Config model, ProcessGroup group, TensorContext tensors, IParameterSource? source) =>
        FullyShard.Apply(
            Module(run, model), group, tensors, run.Zero.ToPolicy(),
            new ShardingOptions
            {
                GradientAccumulationSteps = run.AccumulationSteps,
                Source = run.Lora.Storage.Format is null ? source : new QuantizedValues(source ?? new InitialValues(run.Seed)),
                Frozen = run.Frozen,
                MixedPrecision = run.Precision.ToPolicy(),
                LossScaler = run.Precision.ToScaler(),
                ActivationCheckpointing = run.Checkpointing.ToOption(),
            });

    /// <summary>Gathers what the end of the run saves, as saving does.</summary>
    public static void VisitSaved(RunConfiguration run, ShardedModule module)
    {
        var adapters = Lora.Parameters(module.Module).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        module.VisitParameters((_, _) => { }, of: run is { Lora.IsOn: true, InitFrom: not null } ? adapters.Contains : null);
    }

    /// <summary>Takes the memory from which checkpoints are written while training goes on, as the first save does; null where the run needs none.</summary>
    public static CheckpointSaver? Snapshots(RunConfiguration run, ShardedModule module, Optimizer optimizer)
    {
        if (run.Checkpoints is not { IsOn: true, Async: true })
            return null;
        var saver = new CheckpointSaver(new CheckpointFolder(RunFolder.CheckpointsFolder), module, optimizer, run.Checkpoints.ToOptions());
        saver.Prepare();
        return saver;
    }

    /// <summary>The steps of one rank, which tells the others of itself in each.</summary>
    /// <param name="run">The run.</param>
    /// <param name="module">The model.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="data">What the rank reads.</param>
    /// <param name="told">What it tells.</param>
    /// <param name="steps">Steps until the text ends; null is those that were asked for.</param>
    public static TrainingLoop Loop(
        RunConfiguration run, ShardedModule module, Optimizer optimizer, IBatchSource data, ITold told, int? steps = null) =>
        new(module, optimizer, data, new TrainingLoopOptions
        {
            Schedule = OptimizerParts.Schedule(run, steps ?? run.Steps),
            GradientClipping = run.GradientClipping,
            GradientClippingNorm = run.GradientClippingNorm,
            GradientClippingValue = run.GradientClippingValue,
            EvaluateAverages = run.Ema is { IsOn: true, Evaluate: true },
            UnevenInputs = run.Data.UnevenInputs,
            Told = told,
        });
}
