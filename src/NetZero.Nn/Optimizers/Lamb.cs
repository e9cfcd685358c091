using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>LAMB (You et al. 2020, algorithm 2): Adam's direction with decay, of a length in proportion to the parameter's own. Two states a parameter.</summary>
public sealed class Lamb : LayerwiseOptimizer
{
    private readonly LambOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public Lamb(IFlatParameters parameters, LambOptions? options = null)
        : base(parameters, options ??= new LambOptions(), options.StateFormat, new Moment("exp_avg", Signed: true), new Moment("exp_avg_sq", Signed: false)) =>
        _options = options;

    private protected override void Begin(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings) =>
        context.Launch(new LambMomentsKernel(stretch, first, second, Numbers(settings)));

    private protected override (double Values, double Direction) Squares(
        TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings) =>
        FlatNorms.OfLamb(context, stretch, first, second, Numbers(settings));

    // Without a length there is nothing to be in proportion to. NaN passes, so that a broken step shows.
    private protected override double Ratio(double values, double direction, ParameterSettings settings) =>
        values == 0 || direction == 0 ? 1 : Math.Clamp(values / direction, _options.MinCoefficient, _options.MaxCoefficient);

    private protected override void Move(
        TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings, double ratio) =>
        context.Launch(new LambKernel(stretch, first, second, Numbers(settings), settings.LearningRate * ratio));

    private LambSettings Numbers(ParameterSettings settings) => new(_options.Beta1, _options.Beta2, _options.Epsilon, settings.WeightDecay, ShardSteps);
}

/// <summary>The settings of <see cref="Lamb"/>, with DeepSpeed's names and defaults: learning rate 1e-3, no weight decay.</summary>
public sealed record LambOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public LambOptions() => LearningRate = 1e-3;

    /// <summary>Decay rate of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest ratio of norms.</summary>
    public double MaxCoefficient { get; init; } = 10;

    /// <summary>The smallest ratio of norms.</summary>
    public double MinCoefficient { get; init; } = 0.01;

    /// <summary>How the moments are kept.</summary>
    public StateFormat StateFormat { get; init; }
}
