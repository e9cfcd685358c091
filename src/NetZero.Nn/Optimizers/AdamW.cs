using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's order of operations, fused over flat memory. Two states a parameter.</summary>
public sealed class AdamW : ElementwiseOptimizer
{
    private readonly AdamWOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public AdamW(IFlatParameters parameters, AdamWOptions? options = null)
        : base(
            parameters, options ??= new AdamWOptions(), options.StateFormat, new Moment("exp_avg", Signed: true), new Moment("exp_avg_sq", Signed: false)) =>
        _options = options;

    private protected override void Launch(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings) =>
        context.Launch(new AdamWKernel(
            stretch, first, second,
            new AdamWSettings(settings.LearningRate, _options.Beta1, _options.Beta2, _options.Epsilon, settings.WeightDecay, ShardSteps)));
}
