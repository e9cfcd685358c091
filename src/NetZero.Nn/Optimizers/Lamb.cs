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

    private protected override void Begin(FlatShard shard, FlatState first, FlatState second, Tensor? gradientScale)
    {
        foreach (var (start, length, settings) in Stretches(shard))
        {
            var stretch = FlatStretch.Of(shard.Values, shard.Gradients, start, length, gradientScale);
            shard.Values.Context.Launch(new LambMomentsKernel(stretch, first, second, Numbers(settings)));
        }
    }

    private protected override void AddSquares(
        FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares) =>
        FlatNorms.AddOfLamb(stretch, first, second, Numbers(SettingsOf(range)), squares);

    private protected override void Move(FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares)
    {
        var settings = SettingsOf(range);
        var rate = TrustRate.OfLamb(settings.LearningRate, _options.MinCoefficient, _options.MaxCoefficient, OfMatrices(range, squares));
        squares.Context.Launch(new LambKernel(stretch, first, second, Numbers(settings), rate));
    }

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
