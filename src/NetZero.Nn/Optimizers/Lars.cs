using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>LARS (You, Gitman, Ginsburg 2017, algorithm 1): momentum with a rate for each parameter in proportion to its norm over its gradient's. One state a parameter.</summary>
public sealed class Lars : LayerwiseOptimizer
{
    private readonly LarsOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public Lars(IFlatParameters parameters, LarsOptions? options = null)
        : base(parameters, options ??= new LarsOptions(), options.StateFormat, new Moment("momentum_buffer", Signed: true)) =>
        _options = options;

    private protected override void AddSquares(
        FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares) =>
        FlatNorms.AddOfGradients(stretch, squares);

    private protected override void Move(FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares)
    {
        var settings = SettingsOf(range);
        var rate = TrustRate.OfLars(settings.LearningRate, _options.TrustCoefficient, settings.WeightDecay, OfMatrices(range, squares));
        squares.Context.Launch(new LarsKernel(stretch, first, _options.Momentum, settings.WeightDecay, rate));
    }
}

/// <summary>The settings of <see cref="Lars"/>, with the paper's defaults: momentum 0.9, trust coefficient 1e-3. The learning rate's default is 1.</summary>
public sealed record LarsOptions : OptimizerOptions
{
    /// <summary>The defaults.</summary>
    public LarsOptions() => LearningRate = 1;

    /// <summary>How much of the last step is kept.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>How far a parameter moves in a step, as a share of its norm, at a learning rate of 1.</summary>
    public double TrustCoefficient { get; init; } = 1e-3;

    /// <summary>How the momentum buffer is kept.</summary>
    public StateFormat StateFormat { get; init; }
}
