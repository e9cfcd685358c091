using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>An optimizer whose update of an element needs that element only: the same bits however shards are cut.</summary>
public abstract class ElementwiseOptimizer : Optimizer
{
    private readonly Moment[] _moments;
    private readonly StateFormat _format;

    private protected ElementwiseOptimizer(IFlatParameters parameters, OptimizerOptions options, StateFormat format, params Moment[] moments)
        : base(parameters, options)
    {
        _moments = moments;
        _format = format;
        Moments = [.. moments.SelectMany(moment => moment.Declare(format))];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OptimizerState> Moments { get; }

    /// <inheritdoc/>
    protected override void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        var values = shard.Values;
        var gradients = shard.Gradients;
        ReadOnlySpan<Tensor> rest = state;
        var first = _moments.Length > 0 ? _moments[0].Take(_format, ref rest) : FlatState.None;
        var second = _moments.Length > 1 ? _moments[1].Take(_format, ref rest) : FlatState.None;
        foreach (var (start, length, settings) in Stretches(shard))
            Launch(values.Context, FlatStretch.Of(values, gradients, start, length, gradientScale), first, second, settings);
    }

    private protected abstract void Launch(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings);
}
