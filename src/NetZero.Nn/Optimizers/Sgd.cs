using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Stochastic gradient descent with PyTorch's momentum (b = momentum b + g; p -= lr b), fused over flat memory. No state without momentum.</summary>
public sealed class Sgd : ElementwiseOptimizer
{
    private readonly SgdOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public Sgd(IFlatParameters parameters, SgdOptions? options = null)
        : base(
            parameters, options ??= new SgdOptions(), options.StateFormat, options.Momentum == 0 ? [] : [new Moment("momentum_buffer", Signed: true)]) =>
        _options = options;

    private protected override void Launch(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings) =>
        context.Launch(new SgdKernel(
            stretch, first, new SgdSettings(settings.LearningRate, _options.Momentum, settings.WeightDecay, FirstStep: ShardSteps == 1)));
}
