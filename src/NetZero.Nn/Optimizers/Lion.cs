using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Lion (Chen et al. 2023, algorithm 2): every element moves by the learning rate, in the direction of an average of gradients. One state a parameter.</summary>
/// <remarks>It wants a learning rate 3 to 10 times lower than AdamW's, and a weight decay as many times higher (section 5 of the paper).</remarks>
public sealed class Lion : ElementwiseOptimizer
{
    private readonly LionOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public Lion(IFlatParameters parameters, LionOptions? options = null)
        : base(parameters, options ??= new LionOptions(), options.StateFormat, new Moment("exp_avg", Signed: true)) =>
        _options = options;

    private protected override void Launch(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings) =>
        context.Launch(new LionKernel(stretch, first, new LionSettings(settings.LearningRate, _options.Beta1, _options.Beta2, settings.WeightDecay)));
}
