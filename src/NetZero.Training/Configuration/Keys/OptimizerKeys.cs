using NetZero.Nn;

namespace NetZero.Training.Keys;

/// <summary>The keys of the section <c>optimizer</c>.</summary>
internal static class OptimizerKeys
{
    private static readonly (Func<OptimizerConfiguration, bool> Applies, string Where) Muon = (o => o.Type == OptimizerKind.Muon, "optimizer.type Muon");

    private static readonly (Func<OptimizerConfiguration, bool> Applies, string Where) Adafactor =
        (o => o.Type == OptimizerKind.Adafactor, "optimizer.type Adafactor");

    private static readonly (Func<OptimizerConfiguration, bool> Applies, string Where) AnyRate =
    (
        o => !o.SetsRate,
        "optimizers but Adafactor with optimizer.params.relative_step, which sets the rate itself (set it to false to give one)"
    );

    private static readonly Section<OptimizerConfiguration> Params = new(
        new ValueKey<OptimizerConfiguration, double>(
            "lr", new RealNumber(0), o => o.LearningRate, (o, v) => o with { LearningRate = v },
            "The learning rate; Adafactor's where relative_step is false.")
        { Only = AnyRate },
        new ValueKey<OptimizerConfiguration, (double, double)?>(
            "betas", new Optional<(double, double)>(new PairOfRates()), o => o.Betas, (o, v) => o with { Betas = v },
            "AdamW (also Muon's), LAMB: decay rates of the moments, by default 0.9 and 0.999. Lion: of the direction and the momentum, by default 0.9 and 0.99.")
        { Only = (o => o.Type is OptimizerKind.AdamW or OptimizerKind.Lion or OptimizerKind.Lamb or OptimizerKind.Muon, "optimizer.type AdamW, Lion, LAMB or Muon") },
        new ValueKey<OptimizerConfiguration, Epsilons?>(
            "eps", new Optional<Epsilons>(new EpsilonsType()), o => o.Epsilon, (o, v) => o with { Epsilon = v },
            "AdamW (also Muon's), LAMB: added to the root of the second moment, by default 1e-8. Adafactor: a list of what is added to "
            + "squares of gradients and of the least RMS that a parameter counts for, by default 1e-30 and 1e-3.")
        {
            Only = (
                o => o.Type is OptimizerKind.AdamW or OptimizerKind.Lamb or OptimizerKind.Muon or OptimizerKind.Adafactor,
                "optimizer.type AdamW, LAMB, Muon or Adafactor"),
        },
        new ValueKey<OptimizerConfiguration, double>(
            "weight_decay", new RealNumber(0), o => o.WeightDecay, (o, v) => o with { WeightDecay = v },
            "Taken off tensors of two and more dimensions, times the learning rate; 0 is off."),
        new ValueKey<OptimizerConfiguration, bool>(
            "weight_decay_all", new Flag(), o => o.WeightDecayAll, (o, v) => o with { WeightDecayAll = v }, "Whether vectors decay too.")
        { Only = (o => o.WeightDecay > 0, "optimizer.params.weight_decay above 0") },
        new ValueKey<OptimizerConfiguration, double?>(
            "momentum", new Optional<double>(new RealNumber(0, 1, belowMaximum: true)), o => o.Momentum, (o, v) => o with { Momentum = v },
            "SGD, LARS: the share of the last step that is kept, by default 0 (off) and 0.9. Muon: of the mean gradient, by default 0.95.")
        { Only = (o => o.Type is OptimizerKind.Sgd or OptimizerKind.Lars or OptimizerKind.Muon, "optimizer.type SGD, LARS or Muon") },
        new ValueKey<OptimizerConfiguration, double>(
            "max_coeff", new RealNumber(0), o => o.MaxCoefficient, (o, v) => o with { MaxCoefficient = v },
            "LAMB: the largest ratio of a parameter's norm to its direction's.")
        { Only = (o => o.Type == OptimizerKind.Lamb, "optimizer.type LAMB") },
        new ValueKey<OptimizerConfiguration, double>(
            "min_coeff", new RealNumber(0), o => o.MinCoefficient, (o, v) => o with { MinCoefficient = v },
            "LAMB: the smallest ratio of a parameter's norm to its direction's.")
        { Only = (o => o.Type == OptimizerKind.Lamb, "optimizer.type LAMB") },
        new ValueKey<OptimizerConfiguration, double>(
            "trust_coefficient", new RealNumber(0), o => o.TrustCoefficient, (o, v) => o with { TrustCoefficient = v },
            "LARS: how far a parameter moves in a step, as a share of its norm, at a learning rate of 1.")
        { Only = (o => o.Type == OptimizerKind.Lars, "optimizer.type LARS") },
        new ValueKey<OptimizerConfiguration, bool>(
            "nesterov", new Flag(), o => o.Nesterov, (o, v) => o with { Nesterov = v }, "Muon: whether the direction looks ahead.")
        { Only = Muon },
        new ValueKey<OptimizerConfiguration, int>(
            "ns_steps", new WholeNumber<int>(1), o => o.NewtonSchulzSteps, (o, v) => o with { NewtonSchulzSteps = v }, "Muon: Newton-Schulz steps.")
        { Only = Muon },
        new ValueKey<OptimizerConfiguration, IReadOnlyList<string>>(
            "adamw_params", new TextList(), o => o.AdamWParameters, (o, v) => o with { AdamWParameters = v },
            "Muon: patterns of the matrices that AdamW updates, embeddings and heads. Vectors are its in any case.")
        { Only = Muon },
        new ValueKey<OptimizerConfiguration, double>(
            "clip_threshold", new RealNumber(0, aboveMinimum: true), o => o.ClipThreshold, (o, v) => o with { ClipThreshold = v },
            "Adafactor: the largest RMS of a parameter's step before the rate.")
        { Only = Adafactor },
        new ValueKey<OptimizerConfiguration, double>(
            "decay_rate", new RealNumber(-1, 0), o => o.DecayRate, (o, v) => o with { DecayRate = v },
            "Adafactor: at step t, 1 - t to this power of the second moment stays.")
        { Only = Adafactor },
        new ValueKey<OptimizerConfiguration, double?>(
            "beta1", new Optional<double>(new RealNumber(0, 1, belowMaximum: true)), o => o.Beta1, (o, v) => o with { Beta1 = v },
            "Adafactor: how much of the running mean of steps stays, by default none, which takes no memory.")
        { Only = Adafactor },
        new ValueKey<OptimizerConfiguration, bool>(
            "scale_parameter", new Flag(), o => o.ScaleParameter, (o, v) => o with { ScaleParameter = v },
            "Adafactor: whether steps are in proportion to the RMS of the parameter.")
        { Only = Adafactor },
        new ValueKey<OptimizerConfiguration, bool>(
            "relative_step", new Flag(), o => o.RelativeStep, (o, v) => o with { RelativeStep = v },
            "Adafactor: whether the rate of step t is the smaller of 0.01 and 1 / sqrt(t), instead of lr and scheduler.")
        { Only = Adafactor },
        new ValueKey<OptimizerConfiguration, bool>(
            "warmup_init", new Flag(), o => o.WarmupInit, (o, v) => o with { WarmupInit = v },
            "Adafactor: whether relative_step begins with 1e-6 t instead of 0.01.")
        { Only = (o => o.SetsRate, "optimizer.type Adafactor with optimizer.params.relative_step") },
        new ValueKey<OptimizerConfiguration, StateFormat>(
            "state_dtype", new Choice<StateFormat>(("fp32", StateFormat.F32), ("bf16", StateFormat.BF16), ("int8", StateFormat.Blocks8)),
            o => o.StateFormat, (o, v) => o with { StateFormat = v },
            "How the moments are kept: fp32, bf16, or int8 codes with a scale for each 256 elements (with AdamW: 8-bit AdamW).")
        {
            Only = (
                o => o.Type switch { OptimizerKind.Sgd => o.Momentum > 0, OptimizerKind.Adafactor => o.Beta1 is not null, _ => true },
                "an optimizer that keeps moments of elements, any but SGD without momentum and Adafactor without beta1"),
        },
        new ValueKey<OptimizerConfiguration, RateScaling>(
            "lr_scaling", new Choice<RateScaling>(("none", RateScaling.None), ("linear", RateScaling.Linear), ("sqrt", RateScaling.SquareRoot)),
            o => o.RateScaling, (o, v) => o with { RateScaling = v },
            "Whether lr, found for base_batch_size, is multiplied by train_batch_size / base_batch_size, or by its square root.")
        { Only = AnyRate },
        new ValueKey<OptimizerConfiguration, int>(
            "base_batch_size", new WholeNumber<int>(1), o => o.BaseBatchSize, (o, v) => o with { BaseBatchSize = v },
            "The train_batch_size that lr was found for.")
        { Only = (o => o.RateScaling != RateScaling.None, "optimizer.params.lr_scaling linear or sqrt") });

    private static readonly Section<ParameterGroup> Group = new(
        new ValueKey<ParameterGroup, string?>(
            "pattern", new PathText(), g => g.Pattern.Length == 0 ? null : g.Pattern, (g, v) => g with { Pattern = v ?? "" },
            "Full parameter names, such as h.*.attn.**: * stands for any characters of one part, ** for any parts. Required."),
        new ValueKey<ParameterGroup, double?>(
            "lr", new Optional<double>(new RealNumber(0)), g => g.LearningRate, (g, v) => g with { LearningRate = v },
            "Their learning rate; the scheduler scales it as it scales optimizer.params.lr."),
        new ValueKey<ParameterGroup, double?>(
            "weight_decay", new Optional<double>(new RealNumber(0)), g => g.WeightDecay, (g, v) => g with { WeightDecay = v },
            "Their weight decay, vectors included."));

    /// <summary>The section itself.</summary>
    public static readonly Section<OptimizerConfiguration> Section = new(
        new ValueKey<OptimizerConfiguration, OptimizerKind>(
            "type",
            new Choice<OptimizerKind>(
                ("AdamW", OptimizerKind.AdamW), ("SGD", OptimizerKind.Sgd), ("Lion", OptimizerKind.Lion), ("LAMB", OptimizerKind.Lamb),
                ("LARS", OptimizerKind.Lars), ("Muon", OptimizerKind.Muon), ("Adafactor", OptimizerKind.Adafactor)),
            o => o.Type, (o, v) => o with { Type = v }, "The optimizer."),
        new SectionKey<OptimizerConfiguration, OptimizerConfiguration>("params", Params, o => o, (_, v) => v, "The optimizer's settings."),
        new ListKey<OptimizerConfiguration, ParameterGroup>(
            "groups", Group, new ParameterGroup(""), o => o.Groups, (o, v) => o with { Groups = v },
            "Parameters with settings of their own; the first group whose pattern fits a name has it."));
}
