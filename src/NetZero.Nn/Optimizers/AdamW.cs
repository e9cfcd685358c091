using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's order of operations, fused over flat memory. Two states a parameter.</summary>
public sealed class AdamW : Optimizer
{
    private static readonly string[] Names = ["exp_avg", "exp_avg_sq"];
    private readonly AdamWOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public AdamW(IFlatParameters parameters, AdamWOptions? options = null)
        : base(parameters, (options ?? new AdamWOptions()).LearningRate) =>
        _options = options ?? new AdamWOptions();

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => Names;

    /// <inheritdoc/>
    protected override unsafe void Update(FlatShard shard, IReadOnlyList<Tensor> state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        ArgumentNullException.ThrowIfNull(state);
        var values = shard.Values;
        float* p = values.Data<float>(), g = shard.Gradients.Data<float>();
        float* m = state[0].Data<float>(), v = state[1].Data<float>();
        var scale = gradientScale is null ? null : gradientScale.Data<float>();
        foreach (var (start, length, decays) in Stretches(shard, q => _options.WeightDecayAll || q.Shape.Dims >= 2))
        {
            var settings = new AdamWSettings(LearningRate, _options.Beta1, _options.Beta2, _options.Epsilon, decays ? _options.WeightDecay : 0, Steps);
            values.Context.Launch(new AdamWKernel(p + start, g + start, m + start, v + start, length, settings, scale));
        }
    }
}
