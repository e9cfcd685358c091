using NetZero.Training.Keys;

namespace NetZero.Training;

/// <summary>
/// Every key of a configuration: name, type, where its value goes, meaning. Parsing, overrides, messages, the merged file and the schema
/// follow this list.
/// </summary>
internal static class ConfigurationKeys
{
    private static readonly Section<ModelConfiguration> Model = new(
        new ValueKey<ModelConfiguration, ModelFamily>(
            "type", new Choice<ModelFamily>(("gpt2", ModelFamily.Gpt2)), m => m.Type, (m, v) => m with { Type = v }, "The family."),
        Size<ModelConfiguration>("n_layer", m => m.Layers, (m, v) => m with { Layers = v }, "How many blocks."),
        Size<ModelConfiguration>("n_head", m => m.Heads, (m, v) => m with { Heads = v }, "Attention heads of a block; divides n_embd."),
        Size<ModelConfiguration>("n_embd", m => m.Embedding, (m, v) => m with { Embedding = v }, "The hidden size."),
        Size<ModelConfiguration>("n_positions", m => m.Positions, (m, v) => m with { Positions = v }, "The longest sequence."),
        Size<ModelConfiguration>(
            "vocab_size", m => m.VocabularySize, (m, v) => m with { VocabularySize = v }, "Rows of the token embedding; bytes need 256."),
        new ValueKey<ModelConfiguration, double>(
            "layer_norm_epsilon", new RealNumber(0), m => m.LayerNormEpsilon, (m, v) => m with { LayerNormEpsilon = v },
            "Added to the variance in every LayerNorm."),
        new ValueKey<ModelConfiguration, double>(
            "dropout", new RealNumber(0, 1, belowMaximum: true), m => m.Dropout, (m, v) => m with { Dropout = v },
            "The probability of dropping an element; 0 is off."));

    private static readonly Section<DataConfiguration> Data = new(
        new ValueKey<DataConfiguration, IReadOnlyList<string>>(
            "train", new PathList(), d => d.Train, (d, v) => d with { Train = v },
            "The text to train on: a file, a folder or a glob pattern, or a list of them. Relative to the working directory. Required."),
        new ValueKey<DataConfiguration, IReadOnlyList<string>>(
            "validation", new PathList(), d => d.Validation, (d, v) => d with { Validation = v },
            "The text to evaluate on every eval_every steps: a file, a folder or a glob pattern, or a list of them."),
        new ValueKey<DataConfiguration, TokenizerKind>(
            "tokenizer", new Choice<TokenizerKind>(("bytes", TokenizerKind.Bytes)), d => d.Tokenizer, (d, v) => d with { Tokenizer = v },
            "How text becomes tokens."),
        Size<DataConfiguration>(
            "seq_len", d => d.SequenceLength, (d, v) => d with { SequenceLength = v }, "Tokens of one sample; by default the model's n_positions."),
        new ValueKey<DataConfiguration, bool>(
            "shuffle", new Flag(), d => d.Shuffle, (d, v) => d with { Shuffle = v }, "Whether each epoch takes the samples in a random order."));

    private static readonly Section<OptimizerConfiguration> OptimizerParams = new(
        new ValueKey<OptimizerConfiguration, double>(
            "lr", new RealNumber(0), o => o.LearningRate, (o, v) => o with { LearningRate = v }, "The learning rate."),
        new ValueKey<OptimizerConfiguration, (double, double)>(
            "betas", new PairOfRates(), o => o.Betas, (o, v) => o with { Betas = v }, "AdamW: decay rates of the moments.")
        { Only = (o => o.Type == OptimizerKind.AdamW, "optimizer.type AdamW") },
        new ValueKey<OptimizerConfiguration, double>(
            "eps", new RealNumber(0), o => o.Epsilon, (o, v) => o with { Epsilon = v }, "AdamW: added to the root of the second moment.")
        { Only = (o => o.Type == OptimizerKind.AdamW, "optimizer.type AdamW") },
        new ValueKey<OptimizerConfiguration, double>(
            "weight_decay", new RealNumber(0), o => o.WeightDecay, (o, v) => o with { WeightDecay = v },
            "Taken off tensors of two and more dimensions, times the learning rate; 0 is off."),
        new ValueKey<OptimizerConfiguration, bool>(
            "weight_decay_all", new Flag(), o => o.WeightDecayAll, (o, v) => o with { WeightDecayAll = v }, "Whether vectors decay too."),
        new ValueKey<OptimizerConfiguration, double>(
            "momentum", new RealNumber(0, 1, belowMaximum: true), o => o.Momentum, (o, v) => o with { Momentum = v },
            "SGD: the share of the last step that is kept; 0 is off.")
        { Only = (o => o.Type == OptimizerKind.Sgd, "optimizer.type SGD") });

    private static readonly Section<OptimizerConfiguration> Optimizer = new(
        new ValueKey<OptimizerConfiguration, OptimizerKind>(
            "type", new Choice<OptimizerKind>(("AdamW", OptimizerKind.AdamW), ("SGD", OptimizerKind.Sgd)),
            o => o.Type, (o, v) => o with { Type = v }, "The optimizer."),
        new SectionKey<OptimizerConfiguration, OptimizerConfiguration>("params", OptimizerParams, o => o, (_, v) => v, "The optimizer's settings."));

    private static readonly Section<SchedulerConfiguration> SchedulerParams = new(
        new ValueKey<SchedulerConfiguration, int>(
            "warmup_num_steps", new WholeNumber<int>(0), s => s.WarmupSteps, (s, v) => s with { WarmupSteps = v },
            "WarmupLR, WarmupCosineLR: steps until the full learning rate is reached.")
        { Only = (s => s.Type != SchedulerKind.Constant, "scheduler.type WarmupLR or WarmupCosineLR") },
        new ValueKey<SchedulerConfiguration, int>(
            "total_num_steps", new WholeNumber<int>(1), s => s.TotalSteps, (s, v) => s with { TotalSteps = v },
            "WarmupCosineLR: the step at which the lowest rate is reached; by default steps.")
        { Only = (s => s.Type == SchedulerKind.WarmupCosineLR, "scheduler.type WarmupCosineLR") },
        new ValueKey<SchedulerConfiguration, double>(
            "cos_min_ratio", new RealNumber(0, 1), s => s.CosineMinimumRatio, (s, v) => s with { CosineMinimumRatio = v },
            "WarmupCosineLR: the lowest rate as a share of the full one.")
        { Only = (s => s.Type == SchedulerKind.WarmupCosineLR, "scheduler.type WarmupCosineLR") });

    private static readonly Section<SchedulerConfiguration> Scheduler = new(
        new ValueKey<SchedulerConfiguration, SchedulerKind>(
            "type",
            new Choice<SchedulerKind>(
                ("constant", SchedulerKind.Constant), ("WarmupLR", SchedulerKind.WarmupLR), ("WarmupCosineLR", SchedulerKind.WarmupCosineLR)),
            s => s.Type, (s, v) => s with { Type = v }, "How the learning rate moves."),
        new SectionKey<SchedulerConfiguration, SchedulerConfiguration>("params", SchedulerParams, s => s, (_, v) => v, "The schedule's settings."));

    private static readonly Section<ZeroConfiguration> Zero = new(
        new ValueKey<ZeroConfiguration, int>(
            "stage", new WholeNumber<int>(0, 3), z => z.Stage, (z, v) => z with { Stage = v },
            "What is sharded over the ranks: 0 nothing, 1 optimizer state, 2 gradients too, 3 parameters too."),
        new ValueKey<ZeroConfiguration, ReduceMode>(
            "reduce", new Choice<ReduceMode>(("each", ReduceMode.Each), ("last", ReduceMode.Last)), z => z.Reduce, (z, v) => z with { Reduce = v },
            "With accumulation: reduce each micro-batch (least memory) or their sum with the last (least traffic)."));

    /// <summary>The top of the file.</summary>
    public static readonly Section<RunConfiguration> Root = new(
        new SectionKey<RunConfiguration, ModelConfiguration>("model", Model, c => c.Model, (c, v) => c with { Model = v }, "The model."),
        new ValueKey<RunConfiguration, string?>(
            "init_from", new PathText(), c => c.InitFrom, (c, v) => c with { InitFrom = v }, "A Hugging Face folder to start from."),
        new SectionKey<RunConfiguration, DataConfiguration>("data", Data, c => c.Data, (c, v) => c with { Data = v }, "The text."),
        Size<RunConfiguration>(
            "train_batch_size", c => c.TrainBatchSize, (c, v) => c with { TrainBatchSize = v }, "Samples of one optimizer step over all ranks."),
        Size<RunConfiguration>(
            "train_micro_batch_size_per_gpu", c => c.MicroBatchSize, (c, v) => c with { MicroBatchSize = v },
            "Samples of one forward pass on one rank."),
        Size<RunConfiguration>(
            "gradient_accumulation_steps", c => c.AccumulationSteps, (c, v) => c with { AccumulationSteps = v },
            "Micro-batches of one optimizer step on one rank."),
        new SectionKey<RunConfiguration, OptimizerConfiguration>(
            "optimizer", Optimizer, c => c.Optimizer, (c, v) => c with { Optimizer = v }, "The optimizer."),
        new SectionKey<RunConfiguration, SchedulerConfiguration>(
            "scheduler", Scheduler, c => c.Scheduler, (c, v) => c with { Scheduler = v }, "The learning-rate schedule."),
        new ValueKey<RunConfiguration, double>(
            "gradient_clipping", new RealNumber(0), c => c.GradientClipping, (c, v) => c with { GradientClipping = v },
            "The largest global gradient norm; 0 is off."),
        new SectionKey<RunConfiguration, ZeroConfiguration>(
            "zero_optimization", Zero, c => c.Zero, (c, v) => c with { Zero = v }, "What is sharded over the ranks."),
        new ValueKey<RunConfiguration, long>(
            "memory_budget", new ByteCount(), c => c.MemoryBudgetBytes, (c, v) => c with { MemoryBudgetBytes = v },
            "The most tensor memory of one rank, such as \"2GiB\"; 0 is no limit."),
        Size<RunConfiguration>("steps", c => c.Steps, (c, v) => c with { Steps = v }, "Optimizer steps. Required."),
        new ValueKey<RunConfiguration, long>(
            "seed", new WholeNumber<long>(0), c => c.Seed, (c, v) => c with { Seed = v }, "What weights, shuffling and dropout are drawn from."),
        Size<RunConfiguration>("ranks", c => c.Ranks, (c, v) => c with { Ranks = v }, "How many ranks share the model."),
        Size<RunConfiguration>(
            "threads_per_rank", c => c.ThreadsPerRank, (c, v) => c with { ThreadsPerRank = v },
            "Threads that compute for each rank; by default the cores are shared out."),
        new ValueKey<RunConfiguration, string?>(
            "output_dir", new PathText(), c => c.OutputDirectory, (c, v) => c with { OutputDirectory = v },
            "Where the run is written; by default a new folder under runs/."),
        Size<RunConfiguration>("log_every", c => c.LogEvery, (c, v) => c with { LogEvery = v }, "Every how many steps the progress is shown."),
        new ValueKey<RunConfiguration, int>(
            "eval_every", new WholeNumber<int>(0), c => c.EvalEvery, (c, v) => c with { EvalEvery = v },
            "Every how many steps the validation text is evaluated; 0 is off."));

    private static ValueKey<T, int> Size<T>(string name, Func<T, int> get, Func<T, int, T> set, string description) =>
        new(name, new WholeNumber<int>(1), get, set, description);
}
