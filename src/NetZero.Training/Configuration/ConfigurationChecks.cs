using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;
using NetZero.Training.Keys;

namespace NetZero.Training;

/// <summary>Fills in what follows from other keys and checks what a single key cannot know: all of it before anything is allocated.</summary>
internal static class ConfigurationChecks
{
    private const int ByteVocabulary = 256;

    // Hugging Face's, for an inverse square root without a warm-up.
    private const int DefaultTimescale = 10_000;

    /// <summary>The complete configuration; problems go to <paramref name="reading"/>.</summary>
    public static RunConfiguration Complete(RunConfiguration given, Reading reading)
    {
        ConfigurationKeys.Root.Check(given, "", reading);
        var (global, micro, accumulation, problem) =
            BatchArithmetic.Complete(given.TrainBatchSize, given.MicroBatchSize, given.AccumulationSteps, given.Ranks);
        if (problem is not null)
            reading.Problems.Add(problem);
        var complete = given with
        {
            TrainBatchSize = global,
            MicroBatchSize = micro,
            AccumulationSteps = accumulation,
            Data = given.Data with { SequenceLength = given.Data.SequenceLength == 0 ? given.Model.Positions : given.Data.SequenceLength },
            Scheduler = given.Scheduler with
            {
                // How many steps a text has is known when it has been opened.
                TotalSteps = given.Data.Epochs == 0 ? given.Scheduler.Span(given.Steps) : given.Scheduler.TotalSteps,
                Timescale = Timescale(given.Scheduler),
            },
            Optimizer = given.Optimizer with
            {
                Betas = given.Optimizer.Betas ?? OptimizerConfiguration.DefaultBetas(given.Optimizer.Type),
                Epsilon = given.Optimizer.Epsilon ?? OptimizerConfiguration.DefaultEpsilon(given.Optimizer.Type),
                Momentum = given.Optimizer.Momentum ?? OptimizerConfiguration.DefaultMomentum(given.Optimizer.Type),
            },
            ThreadsPerRank = given.ThreadsPerRank == 0 ? Math.Clamp(Environment.ProcessorCount / given.Ranks, 1, RunConfiguration.MaxThreadsPerRank) : given.ThreadsPerRank,
        };
        reading.Problems.AddRange(Required(complete));
        reading.Problems.AddRange(Model(complete));
        reading.Problems.AddRange(Together(complete));

        // Whether patterns match is known from the model alone, which only a correct configuration describes.
        if (reading.Problems.Count == 0)
            reading.Problems.AddRange(Sharding(complete));
        return complete;
    }

    private static IEnumerable<string> Sharding(RunConfiguration c)
    {
        var policy = c.Zero.ToPolicy();
        var problems = policy.Problems(c.Ranks).Select(p => $"'zero_optimization.{ZeroKeys.KeyOf(p.Property)}' {p.Message}").ToList();
        if (c.Zero.ShardGroupSize == c.Ranks)
            problems.Add($"'zero_optimization.shard_group_size' is {c.Ranks}, which is all ranks, as without it; leave it out");
        if (problems.Count > 0)
            return problems;
        try
        {
            RunParts.Module(c, exactGelu: false);
        }
        catch (ArgumentException e)
        {
            return [$"'lora': {e.Message}"];
        }

        foreach (var (key, options) in ((string, ShardingOptions?)[])
        [
            ("zero_optimization", null),
            ("frozen", new ShardingOptions { Frozen = c.Frozen }),
            ("data_types.parameters", new ShardingOptions { Frozen = c.Frozen, MixedPrecision = c.Precision.ToPolicy() }),
            ("activation_checkpointing", new ShardingOptions { ActivationCheckpointing = c.Checkpointing.ToOption() }),
        ])
        {
            try
            {
                FullyShard.Validate(RunParts.Module(c, exactGelu: false), policy, c.Ranks, options);
            }
            catch (ArgumentException e)
            {
                return [$"'{key}': {e.Message}"];
            }
        }

        return [];
    }

    private static int Timescale(SchedulerConfiguration scheduler) => scheduler switch
    {
        { Type: not SchedulerKind.InverseSqrtLR } or { Timescale: > 0 } => scheduler.Timescale,
        { WarmupSteps: > 0 } => scheduler.WarmupSteps,
        _ => DefaultTimescale,
    };

    private static IEnumerable<string> Required(RunConfiguration c)
    {
        if (c.Data.Train.Count == 0)
            yield return "'data.train' is missing: name a file, a folder or a glob pattern, for example --set data.train=PATH";
        if (c.Steps == 0)
            yield return "'steps' is missing: say how many optimizer steps to train, for example --set steps=100";
    }

    private static IEnumerable<string> Model(RunConfiguration c)
    {
        var model = c.Model;
        if (model.Embedding % model.Heads != 0)
        {
            var below = model.Embedding / model.Heads * model.Heads;
            yield return $"'model.n_embd' is {model.Embedding}, not divisible by 'model.n_head' {model.Heads}; "
                + $"use {(below > 0 ? $"{below} or {(long)below + model.Heads}" : $"{model.Heads}")}";
        }
        else if (Impossible(RunParts.Model(c, exactGelu: false)) is { } reason)
        {
            yield return $"'model': {reason}";
        }
        if (c.Data.SequenceLength > model.Positions)
        {
            yield return $"'data.seq_len' is {c.Data.SequenceLength}, longer than 'model.n_positions' {model.Positions}; "
                + "lower the first or raise the second";
        }
        if (c.Data.Tokenizer == TokenizerKind.Bytes && model.VocabularySize < ByteVocabulary)
        {
            yield return $"'model.vocab_size' is {model.VocabularySize}, but 'data.tokenizer' \"bytes\" makes {ByteVocabulary} different tokens; "
                + $"use {ByteVocabulary}";
        }
    }

    // What the keys cannot know of each other.
    private static string? Impossible(Gpt2Config model)
    {
        try
        {
            model.Validate();
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message.TrimEnd('.');
        }
    }

    // Logits with their gradient, and of each block its input, the three parts of attention, their mixture, and the MLP's inner values before and after GELU, as much again
    // in gradients: no layout keeps more than twice that, and what fits now cannot overflow when it is added up.
    private static Int128 MostActivationBytes(ModelConfiguration model, long tokens) =>
        sizeof(float) * (Int128)tokens * ((2L * model.VocabularySize) + ((Int128)64 * model.Layers * model.Embedding));

    private static IEnumerable<string> Together(RunConfiguration c)
    {
        // A micro-batch's tokens lie in one array.
        if ((long)c.MicroBatchSize * c.Data.SequenceLength is var tokens && tokens > Array.MaxLength)
        {
            yield return $"a micro-batch has {tokens} tokens ('train_micro_batch_size_per_gpu' {c.MicroBatchSize} x 'data.seq_len' {c.Data.SequenceLength}), "
                + $"more than {Array.MaxLength}; raise 'gradient_accumulation_steps' or lower either";
        }
        else if (MostActivationBytes(c.Model, tokens) > long.MaxValue)
        {
            yield return $"the activations of a micro-batch of {tokens} tokens ('train_micro_batch_size_per_gpu' {c.MicroBatchSize} x 'data.seq_len' {c.Data.SequenceLength}) have more "
                + $"bytes than can be counted for a model of 'model.vocab_size' {c.Model.VocabularySize}, 'model.n_embd' {c.Model.Embedding} and 'model.n_layer' {c.Model.Layers}; "
                + "raise 'gradient_accumulation_steps' or lower one of them";
        }
        if (c.EvalEvery > 0 && c.Data.Validation.Count == 0)
            yield return $"'eval_every' is {c.EvalEvery}, but there is no 'data.validation' to evaluate; name one, or leave 'eval_every' out";
        if (c.EarlyStopping.Patience > 0 && c.EvalEvery == 0)
            yield return $"'early_stopping.patience' is {c.EarlyStopping.Patience}, but nothing is evaluated: 'eval_every' is 0 (off); set it and 'data.validation', or leave 'early_stopping' out";
        if (c.Ema is { IsOn: true, Save: false } && (!c.Ema.Evaluate || c.Data.Validation.Count == 0) && !c.Checkpoints.IsOn)
            yield return $"'ema.decay' {c.Ema.Decay} would have no effect: the average is neither evaluated nor saved; set 'ema.save', or leave 'ema' out";
        if (c.Checkpoints.KeepBest > 0 && c.Data.Validation.Count == 0)
            yield return $"'checkpoint.keep_best' is {c.Checkpoints.KeepBest}, but there is no 'data.validation' to tell the best by; name one, or leave 'keep_best' out";
        if (c.Checkpoints.Store is { } store && !RunStores.IsIn(store))
            yield return $"'checkpoint.store' is '{store}', expected a place in an object store such as s3://BUCKET/PREFIX; checkpoints are in the run's folder without it";
        if (c.EvalEvery == 0 && c.Data.Validation.Count > 0 && c.Checkpoints.KeepBest == 0)
            yield return "'data.validation' would have no effect: 'eval_every' is 0 (off); set it, or leave 'data.validation' out";
        if (c.GradientClipping > 0 && c.GradientClippingValue > 0)
        {
            yield return $"'gradient_clipping' is {c.GradientClipping} and 'gradient_clipping_value' is {c.GradientClippingValue}: "
                + "clip by norm or by value, and leave the other out";
        }
        if (c is { InitFrom: null, Lora.Storage.Format: not null })
            yield return "'lora.base_dtype' keeps the base in codes, which are not written: name the base by 'init_from'";
        if (c.Lora.IsOn && c.Frozen.Count > 0)
            yield return "'frozen' would have no effect: 'lora' trains adapters alone; leave it out, or choose layers by 'lora.target_modules'";
        if (c.AccumulationSteps == 1)
        {
            const string oneMicroBatch = "would have no effect: a step has one micro-batch; raise 'gradient_accumulation_steps', or leave it out";
            if (c.Zero.Reduce == GradientReduction.LastMicroBatch)
                yield return $"'zero_optimization.reduce' \"last\" {oneMicroBatch}";
            if (c.Zero.KeepGathered && c.Zero.ToPolicy().ShardsSomeParameters)
                yield return $"'zero_optimization.keep_gathered' {oneMicroBatch}";
        }
        foreach (var problem in Precision(c.Precision, c.Ranks))
            yield return problem;
        foreach (var problem in Optimizer(c.Optimizer).Concat(Scheduler(c.Scheduler with { TotalSteps = c.Scheduler.Span(c.Steps) })))
            yield return problem;
        if (c.Optimizer.SetsRate && c.Scheduler.Type != SchedulerKind.Constant)
        {
            yield return $"'scheduler.type' \"{c.Scheduler.Type}\" would have no effect: Adafactor's 'optimizer.params.relative_step' "
                + "sets the rate itself; set it to false, or leave 'scheduler' out";
        }
    }

    private static IEnumerable<string> Precision(PrecisionConfiguration p, int ranks)
    {
        if (p is { BFloat16: true, Half: true })
            yield return "'bf16.enabled' and 'fp16.enabled' are both true: a model computes in one of them; leave the other out";
        if (p is { GradientAccumulation: DType.F16, Half: false })
            yield return "'data_types.grad_accum_dtype' is \"fp16\", whose gradients overflow unless the loss is scaled: set 'fp16.enabled', or use \"bf16\" or \"fp32\"";
        if (!p.Half && p.Parameters.Any(types => types.ParameterDType == DType.F16))
            yield return "'data_types.parameters' has \"fp16\", whose gradients overflow unless the loss is scaled: set 'fp16.enabled', or use \"bf16\" or \"fp32\"";
        if (p is { Communication: DType.F16, Half: false })
            yield return "'communication_data_type' is \"fp16\", whose gradients overflow unless the loss is scaled: set 'fp16.enabled', or use \"bf16\" or \"fp32\"";
        if (p.Communication != DType.F32 && ranks == 1)
            yield return "'communication_data_type' would have no effect: one rank reduces nothing; leave it out";
    }

    private static IEnumerable<string> Optimizer(OptimizerConfiguration o)
    {
        if (o.RateScaling != RateScaling.None && o.BaseBatchSize == 0)
            yield return "'optimizer.params.base_batch_size' is missing: 'optimizer.params.lr_scaling' needs the batch size that 'optimizer.params.lr' was found for";
        if (o.MinCoefficient > o.MaxCoefficient)
            yield return $"'optimizer.params.min_coeff' is {o.MinCoefficient}, more than 'optimizer.params.max_coeff' {o.MaxCoefficient}; lower the first or raise the second";
        if (o.Groups.Any(group => group.Pattern.Length == 0))
            yield return "'optimizer.groups' has a group without 'pattern'; name the parameters it is for, such as \"h.*.attn.**\"";
        if (o.Epsilon is { } epsilon && epsilon.Second is null == (o.Type == OptimizerKind.Adafactor))
        {
            yield return o.Type == OptimizerKind.Adafactor
                ? "'optimizer.params.eps' is one number, but Adafactor takes a list of two, such as [1e-30, 1e-3]"
                : $"'optimizer.params.eps' is a list of two numbers, which Adafactor takes; {o.Type} takes one, such as 1e-8";
        }
        else if (o.Type == OptimizerKind.Adafactor && o.Epsilon is { First: < AdafactorOptions.LeastEpsilon and var first })
        {
            yield return $"'optimizer.params.eps' begins with {first}, but Adafactor needs at least {AdafactorOptions.LeastEpsilon} there: "
                + "a gradient of zero has a second moment to be divided by";
        }
        if (o.SetsRate && o.Groups.Any(group => group.LearningRate is not null))
        {
            yield return "'optimizer.groups' has an 'lr', which would have no effect: Adafactor's 'optimizer.params.relative_step' "
                + "sets the rate itself; set it to false, or leave 'lr' out";
        }
        if (o.LearningRate == 0 && o.Groups.Any(group => group.LearningRate > 0))
            yield return "'optimizer.params.lr' is 0, but a group has an 'lr' of its own, which follows it through the schedule; give both";
    }

    private static IEnumerable<string> Scheduler(SchedulerConfiguration s)
    {
        if (s.Type == SchedulerKind.StepLR && s.StepSize == 0)
            yield return "'scheduler.params.step_size' is missing: say after how many steps StepLR lowers the learning rate";
        if (s.Type == SchedulerKind.WarmupStableDecayLR && s.DecaySteps == 0)
            yield return "'scheduler.params.decay_num_steps' is missing: say in how many last steps WarmupStableDecayLR lowers the learning rate";
        if (s.Type == SchedulerKind.WarmupStableDecayLR && (long)s.WarmupSteps + s.DecaySteps > s.TotalSteps)
        {
            yield return $"'scheduler.params.warmup_num_steps' {s.WarmupSteps} and 'scheduler.params.decay_num_steps' {s.DecaySteps} are together more than "
                + $"'scheduler.params.total_num_steps' {s.TotalSteps}; lower either or raise the last";
        }
        else if (s.Ends && s.WarmsUp && s.WarmupSteps > s.TotalSteps)
        {
            yield return $"'scheduler.params.warmup_num_steps' is {s.WarmupSteps}, more than 'scheduler.params.total_num_steps' "
                + $"{s.TotalSteps}; lower the first or raise the second";
        }
    }
}
