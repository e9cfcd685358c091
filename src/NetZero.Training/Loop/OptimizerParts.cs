using NetZero.Nn;
using NetZero.Planning;

namespace NetZero.Training;

/// <summary>What the sections <c>optimizer</c> and <c>scheduler</c> ask for, as objects.</summary>
internal static class OptimizerParts
{
    /// <summary>The optimizer.</summary>
    public static Optimizer Make(RunConfiguration run, IFlatParameters parameters)
    {
        var given = run.Optimizer;
        var factor = RateFactor(run);
        var betas = given.Betas ?? OptimizerConfiguration.DefaultBetas(given.Type);
        var momentum = given.Momentum ?? OptimizerConfiguration.DefaultMomentum(given.Type);
        var epsilon = given.Epsilon ?? OptimizerConfiguration.DefaultEpsilon(given.Type);
        return given.Type switch
        {
            OptimizerKind.AdamW => new AdamW(parameters, Common(new AdamWOptions
            {
                Beta1 = betas.First,
                Beta2 = betas.Second,
                Epsilon = epsilon.First,
                StateFormat = given.StateFormat,
            })),
            OptimizerKind.Sgd => new Sgd(parameters, Common(new SgdOptions { Momentum = momentum, StateFormat = given.StateFormat })),
            OptimizerKind.Lion => new Lion(parameters, Common(new LionOptions { Beta1 = betas.First, Beta2 = betas.Second, StateFormat = given.StateFormat })),
            OptimizerKind.Lamb => new Lamb(parameters, Common(new LambOptions
            {
                Beta1 = betas.First,
                Beta2 = betas.Second,
                Epsilon = epsilon.First,
                MaxCoefficient = given.MaxCoefficient,
                MinCoefficient = given.MinCoefficient,
                StateFormat = given.StateFormat,
            })),
            OptimizerKind.Lars => new Lars(parameters, Common(new LarsOptions { Momentum = momentum, TrustCoefficient = given.TrustCoefficient, StateFormat = given.StateFormat })),
            OptimizerKind.Muon => new Muon(parameters, Common(new MuonOptions
            {
                Momentum = momentum,
                Nesterov = given.Nesterov,
                Steps = given.NewtonSchulzSteps,
                AdamWParameters = AdamWParameters(run),
                Beta1 = betas.First,
                Beta2 = betas.Second,
                Epsilon = epsilon.First,
                StateFormat = given.StateFormat,
            })),
            OptimizerKind.Adafactor => new Adafactor(parameters, Common(new AdafactorOptions
            {
                Epsilon1 = epsilon.First,
                Epsilon2 = epsilon.Second ?? 0,
                ClipThreshold = given.ClipThreshold,
                DecayRate = given.DecayRate,
                Beta1 = given.Beta1,
                ScaleParameter = given.ScaleParameter,
                StateFormat = given.StateFormat,
            })),
            _ => throw new ArgumentOutOfRangeException(nameof(run), given.Type, "Unknown optimizer."),
        };

        T Common<T>(T options)
            where T : OptimizerOptions =>
            options with
            {
                LearningRate = given.SetsRate ? 1 : given.LearningRate * factor,
                WeightDecay = given.WeightDecay,
                WeightDecayAll = given.WeightDecayAll,
                AverageDecay = run.Ema.Decay,
                Groups = [.. given.Groups.Select(group => group with { LearningRate = group.LearningRate * factor })],
            };
    }

    /// <summary>Checks what only the model can tell, before anything is allocated.</summary>
    /// <exception cref="ConfigurationException">A group of parameters, or a pattern of AdamW's, fits none.</exception>
    public static void Check(RunConfiguration run, Module model)
    {
        var optimizer = run.Optimizer;
        var parameterNames = model.NamedParameters().Where(p => !p.Parameter.IsFixed).Select(p => p.Name).ToList();
        if (ParameterGroup.FindUnused(optimizer.Groups, parameterNames) is { } unused)
            throw new ConfigurationException($"'optimizer.groups': {unused}");
        if (optimizer.Type == OptimizerKind.Muon && MuonOptions.FindUnused(AdamWParameters(run), parameterNames) is { } unfit)
            throw new ConfigurationException($"'optimizer.params.adamw_params': {unfit}");
    }

    /// <summary>The schedule of the learning rate of a run of so many steps.</summary>
    public static LearningRateSchedule Schedule(RunConfiguration run, int steps) =>
        run.Optimizer.SetsRate ? new RelativeStepSchedule(run.Optimizer.WarmupInit) : run.Scheduler.Make(steps);

    /// <summary>The bytes that an optimizer's formula counts for each element of some parameters.</summary>
    public static StateWidths Widths(RunConfiguration run, IReadOnlyCollection<Parameter> parameters)
    {
        var optimizer = run.Optimizer;
        var moments = optimizer.Type switch
        {
            OptimizerKind.AdamW or OptimizerKind.Lamb or OptimizerKind.Muon => 2,
            OptimizerKind.Sgd when optimizer.Momentum is null or 0 => 0,
            OptimizerKind.Adafactor when optimizer.Beta1 is null => 0,
            _ => 1,
        };
        var means = optimizer.Type == OptimizerKind.Adafactor
            ? sizeof(float) * parameters.Sum(p => Adafactor.MeansOf(p.Shape)) / (double)parameters.Sum(p => p.Shape.Elements)
            : 0;
        return StateWidths.SinglePrecisionAdam with
        {
            OptimizerBytes = (moments * optimizer.StateFormat.BytesPerElement()) + means + (run.Ema.IsOn ? sizeof(float) : 0),
        };
    }

    // What is AdamW's by default are the base's embeddings, which adapters do not train.
    private static IReadOnlyList<string> AdamWParameters(RunConfiguration run) =>
        run.Lora.IsOn && run.Optimizer.HasDefaultAdamWParameters ? [] : run.Optimizer.AdamWParameters;

    // Goyal et al. 2017, section 2.1; Krizhevsky 2014, section 5.
    private static double RateFactor(RunConfiguration run)
    {
        var ratio = run.TrainBatchSize / (double)Math.Max(1, run.Optimizer.BaseBatchSize);
        return run.Optimizer.RateScaling switch
        {
            RateScaling.None => 1,
            RateScaling.Linear => ratio,
            RateScaling.SquareRoot => Math.Sqrt(ratio),
            _ => throw new ArgumentOutOfRangeException(nameof(run), run.Optimizer.RateScaling, "Unknown scaling."),
        };
    }
}
