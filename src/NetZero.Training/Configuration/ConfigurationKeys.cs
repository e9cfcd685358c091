using NetZero.Sharding;
using NetZero.Training.Keys;

namespace NetZero.Training;

/// <summary>
/// Every key of a configuration: name, type, where its value goes, meaning. Parsing, overrides, messages, the merged file and the schema
/// follow these lists. Each section has its keys in a class of its own.
/// </summary>
internal static class ConfigurationKeys
{
    /// <summary>The top of the file.</summary>
    public static readonly Section<RunConfiguration> Root = new(
        new SectionKey<RunConfiguration, ModelConfiguration>("model", ModelKeys.Section, c => c.Model, (c, v) => c with { Model = v }, "The model."),
        new ValueKey<RunConfiguration, string?>(
            "init_from", new PathText(), c => c.InitFrom, (c, v) => c with { InitFrom = v }, "A Hugging Face folder to start from."),
        new SectionKey<RunConfiguration, DataConfiguration>("data", DataKeys.Section, c => c.Data, (c, v) => c with { Data = v }, "The text."),
        Counts.Size<RunConfiguration>(
            "train_batch_size", c => c.TrainBatchSize, (c, v) => c with { TrainBatchSize = v }, "Samples of one optimizer step over all ranks."),
        Counts.Size<RunConfiguration>(
            "train_micro_batch_size_per_gpu", c => c.MicroBatchSize, (c, v) => c with { MicroBatchSize = v },
            "Samples of one forward pass on one rank."),
        Counts.Size<RunConfiguration>(
            "gradient_accumulation_steps", c => c.AccumulationSteps, (c, v) => c with { AccumulationSteps = v },
            "Micro-batches of one optimizer step on one rank."),
        new SectionKey<RunConfiguration, OptimizerConfiguration>(
            "optimizer", OptimizerKeys.Section, c => c.Optimizer, (c, v) => c with { Optimizer = v }, "The optimizer."),
        new SectionKey<RunConfiguration, SchedulerConfiguration>(
            "scheduler", SchedulerKeys.Section, c => c.Scheduler, (c, v) => c with { Scheduler = v }, "The learning-rate schedule."),
        new SectionKey<RunConfiguration, EmaConfiguration>(
            "ema", EmaKeys.Section, c => c.Ema, (c, v) => c with { Ema = v }, "An exponential moving average of the weights."),
        new ValueKey<RunConfiguration, double>(
            "gradient_clipping", new RealNumber(0), c => c.GradientClipping, (c, v) => c with { GradientClipping = v },
            "The largest global gradient norm; 0 is off."),
        new ValueKey<RunConfiguration, NormKind>(
            "gradient_clipping_norm", new NormChoice(), c => c.GradientClippingNorm, (c, v) => c with { GradientClippingNorm = v },
            "Which norm gradient_clipping limits: 2, 1 (sum of magnitudes) or \"inf\" (the largest).")
        { Only = (c => c.GradientClipping > 0, "gradient_clipping above 0") },
        new ValueKey<RunConfiguration, double>(
            "gradient_clipping_value", new RealNumber(0), c => c.GradientClippingValue, (c, v) => c with { GradientClippingValue = v },
            "The largest magnitude of a gradient's element; 0 is off."),
        new SectionKey<RunConfiguration, ZeroConfiguration>(
            "zero_optimization", ZeroKeys.Section, c => c.Zero, (c, v) => c with { Zero = v }, "What is sharded over the ranks."),
        new SectionKey<RunConfiguration, PrecisionConfiguration>(
            "bf16", PrecisionKeys.BFloat16Section, c => c.Precision, (c, v) => c with { Precision = v }, "Training in bfloat16 with fp32 master values."),
        new SectionKey<RunConfiguration, PrecisionConfiguration>(
            "fp16", PrecisionKeys.HalfSection, c => c.Precision, (c, v) => c with { Precision = v }, "Training in half precision with fp32 master values and a scaled loss."),
        new ValueKey<RunConfiguration, NetZero.Tensors.DType>(
            "communication_data_type", PrecisionKeys.Types, c => c.Precision.Communication, (c, v) => c with { Precision = c.Precision with { Communication = v } },
            "The type in which gradients travel over the ranks: fp32, bf16 or fp16. Sums are fp32 in any case."),
        new SectionKey<RunConfiguration, PrecisionConfiguration>(
            "data_types", PrecisionKeys.DataTypesSection, c => c.Precision, (c, v) => c with { Precision = v }, "Element types of what is kept."),
        new ValueKey<RunConfiguration, IReadOnlyList<string>>(
            "frozen", new TextList(), c => c.Frozen, (c, v) => c with { Frozen = v },
            "Patterns of parameters that are not trained, such as \"wte.*\" or \"h.0.**\": no gradient, no reduction, no optimizer state."),
        new SectionKey<RunConfiguration, LoraConfiguration>(
            "lora", LoraKeys.Section, c => c.Lora, (c, v) => c with { Lora = v }, "Low-rank adapters that are trained in the place of the model."),
        new SectionKey<RunConfiguration, CheckpointingConfiguration>(
            "activation_checkpointing", CheckpointingKeys.Section, c => c.Checkpointing, (c, v) => c with { Checkpointing = v },
            "Which activations are computed again instead of kept."),
        new SectionKey<RunConfiguration, CheckpointPolicy>(
            "checkpoint", CheckpointPolicyKeys.Section, c => c.Checkpoints, (c, v) => c with { Checkpoints = v },
            "When the state of the run is saved, so that train --resume goes on from there."),
        new ValueKey<RunConfiguration, long>(
            "memory_budget", new ByteCount(), c => c.MemoryBudgetBytes, (c, v) => c with { MemoryBudgetBytes = v },
            "The most tensor memory of one rank, such as \"2GiB\"; 0 is no limit."),
        Counts.Size<RunConfiguration>("steps", c => c.Steps, (c, v) => c with { Steps = v }, "Optimizer steps. Required."),
        new ValueKey<RunConfiguration, long>(
            "seed", new WholeNumber<long>(0), c => c.Seed, (c, v) => c with { Seed = v }, "What weights, shuffling and dropout are drawn from."),
        Counts.Size<RunConfiguration>("ranks", c => c.Ranks, (c, v) => c with { Ranks = v }, "How many ranks share the model.", RunConfiguration.MaxRanks),
        Counts.Size<RunConfiguration>(
            "threads_per_rank", c => c.ThreadsPerRank, (c, v) => c with { ThreadsPerRank = v },
            "Threads that compute for each rank; by default the cores are shared out.", RunConfiguration.MaxThreadsPerRank),
        new ValueKey<RunConfiguration, int>(
            "timeout_seconds", new WholeNumber<int>(0), c => c.TimeoutSeconds, (c, v) => c with { TimeoutSeconds = v },
            "Seconds that a rank waits for others before they are named; 0 is 60 for processes and a day for threads."),
        new ValueKey<RunConfiguration, bool>(
            "deterministic", new Flag(), c => c.Deterministic, (c, v) => c with { Deterministic = v },
            "Whether sums over ranks are the same bits on every transport; false lets MPI add in the order that it finds fastest."),
        new ValueKey<RunConfiguration, string?>(
            "output_dir", new PathText(), c => c.OutputDirectory, (c, v) => c with { OutputDirectory = v },
            "Where the run is written; by default a new folder under runs/."),
        Counts.Size<RunConfiguration>("log_every", c => c.LogEvery, (c, v) => c with { LogEvery = v }, "Every how many steps the progress is shown."),
        new ValueKey<RunConfiguration, int>(
            "eval_every", new WholeNumber<int>(0), c => c.EvalEvery, (c, v) => c with { EvalEvery = v },
            "Every how many steps the validation text is evaluated; 0 is off."),
        new SectionKey<RunConfiguration, EarlyStoppingConfiguration>(
            "early_stopping", EarlyStoppingKeys.Section, c => c.EarlyStopping, (c, v) => c with { EarlyStopping = v },
            "When the run ends before its last step because the validation loss does not fall any more."));
}
