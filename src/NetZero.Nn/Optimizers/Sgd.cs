using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Stochastic gradient descent with PyTorch's momentum (b = momentum b + g; p -= lr b), fused over flat memory.</summary>
public sealed class Sgd : Optimizer
{
    private static readonly string[] Names = ["momentum_buffer"];
    private readonly SgdOptions _options;

    /// <summary>Makes the optimizer.</summary>
    public Sgd(IFlatParameters parameters, SgdOptions? options = null)
        : base(parameters, (options ?? new SgdOptions()).LearningRate) =>
        _options = options ?? new SgdOptions();

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => _options.Momentum == 0 ? [] : Names;

    /// <inheritdoc/>
    protected override unsafe void Update(FlatShard shard, IReadOnlyList<Tensor> state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        ArgumentNullException.ThrowIfNull(state);
        var values = shard.Values;
        float* p = values.Data<float>(), g = shard.Gradients.Data<float>();
        var momentum = state.Count == 0 ? null : state[0].Data<float>();
        var scale = gradientScale is null ? null : gradientScale.Data<float>();
        foreach (var (start, length, decays) in Stretches(shard, q => _options.WeightDecayAll || q.Shape.Dims >= 2))
        {
            var settings = new SgdSettings(LearningRate, _options.Momentum, decays ? _options.WeightDecay : 0, FirstStep: Steps == 1);
            values.Context.Launch(new SgdKernel(p + start, g + start, momentum == null ? null : momentum + start, length, settings, scale));
        }
    }
}
