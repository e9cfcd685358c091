using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>An optimizer whose step of a parameter is scaled by norms of the whole parameter, which lie on several ranks.</summary>
/// <remarks>
/// Note: norms over shards. A unit is updated in two passes. The first sums squares over the part of it that this rank owns, at every stage the same part, and one reduction adds those of
/// all ranks; the second moves the values. So stages have the same bits at one world size, and worlds differ by the order of sums of doubles only. Vectors and scalars
/// take the ratio 1, as the papers' authors exclude biases and norm weights.
/// </remarks>
public abstract class LayerwiseOptimizer : Optimizer
{
    private readonly IFlatParameters _parameters;
    private readonly Moment[] _moments;
    private readonly StateFormat _format;

    private protected LayerwiseOptimizer(IFlatParameters parameters, OptimizerOptions options, StateFormat format, params Moment[] moments)
        : base(parameters, options)
    {
        _parameters = parameters;
        _moments = moments;
        _format = format;
        States = [.. moments.SelectMany(moment => moment.Declare(format))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<OptimizerState> States { get; }

    /// <inheritdoc/>
    protected override void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        var (values, gradients) = (shard.Values, shard.Gradients);
        ReadOnlySpan<Tensor> rest = state;
        var first = _moments[0].Take(_format, ref rest);
        var second = _moments.Length > 1 ? _moments[1].Take(_format, ref rest) : FlatState.None;
        foreach (var (start, length, settings) in Stretches(shard))
            Begin(values.Context, FlatStretch.Of(values, gradients, start, length, gradientScale), first, second, settings);

        var names = shard.ParameterNames;
        var sums = new double[2 * names.Count];
        var (ownStart, ownLength) = shard.Own;
        foreach (var range in shard.Ranges)
        {
            var from = Math.Max(range.Start, ownStart);
            var to = Math.Min(range.Start + range.Length, ownStart + ownLength);
            if (from >= to)
                continue;
            var at = 2 * IndexOf(names, range.ParameterName);
            var stretch = FlatStretch.Of(values, gradients, from, to - from, gradientScale);
            var (ofValues, ofDirection) = Squares(values.Context, stretch, first, second, SettingsOf(range));
            sums[at] += ofValues;
            sums[at + 1] += ofDirection;
        }

        _parameters.SumOverRanks($"{shard.Name} norms", sums);
        foreach (var range in shard.Ranges)
        {
            var at = 2 * IndexOf(names, range.ParameterName);
            var settings = SettingsOf(range);
            var ratio = range.Parameter.Shape.Dims < 2 ? 1 : Ratio(Math.Sqrt(sums[at]), Math.Sqrt(sums[at + 1]), settings);
            Move(values.Context, FlatStretch.Of(values, gradients, range.Start, range.Length, gradientScale), first, second, settings, ratio);
        }
    }

    private protected abstract void Begin(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings);

    private protected abstract (double Values, double Direction) Squares(
        TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings);

    // What the rate is multiplied with, from the norms of a whole parameter and of its direction.
    private protected abstract double Ratio(double values, double direction, ParameterSettings settings);

    private protected abstract void Move(
        TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings, double ratio);

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == name)
                return i;
        throw new ArgumentException($"A shard has a range of '{name}', which is none of its parameters.");
    }
}
