using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>An optimizer whose step of a parameter is scaled by norms of the whole parameter, which lie on several ranks.</summary>
/// <remarks>
/// Note: norms over shards. A unit is updated in two passes. The first sums squares over the part of it that this rank owns, at every stage the same part, and one reduction adds those of
/// all ranks; the second moves the values. The sums never leave the device: see [Note: numbers that stay on the device] in <see cref="DeviceNumbers"/>. So stages have the same bits at one world size, and worlds differ by the order of sums of doubles only. Vectors and scalars
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
        Moments = [.. moments.SelectMany(moment => moment.Declare(format))];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OptimizerState> Moments { get; }

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
        var sums = new DeviceNumbers(values.Context, 2 * names.Count, $"{shard.Name} norms");
        var (ownStart, ownLength) = shard.Own;
        foreach (var range in shard.Ranges)
        {
            var from = Math.Max(range.Start, ownStart);
            var to = Math.Min(range.Start + range.Length, ownStart + ownLength);
            if (from >= to)
                continue;
            var stretch = FlatStretch.Of(values, gradients, from, to - from, gradientScale);
            AddSquares(stretch, first, second, SettingsOf(range), Of(range));
        }

        _parameters.SumOverRanks($"{shard.Name} norms", sums);
        foreach (var range in shard.Ranges)
        {
            var squares = range.Parameter.Shape.Dims < 2 ? null : Of(range);
            Move(values.Context, FlatStretch.Of(values, gradients, range.Start, range.Length, gradientScale), first, second, SettingsOf(range), squares);
        }

        sums.Free();

        DeviceNumbers Of(FlatRange range) => sums.Slice(2 * IndexOf(names, range.ParameterName), 2);
    }

    private protected abstract void Begin(TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings);

    // Adds the squares of a stretch of values and of its direction to two sums.
    private protected abstract void AddSquares(FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings, DeviceNumbers squares);

    // Moves values at a rate that follows from both sums of the whole parameter; without them the ratio is 1.
    private protected abstract void Move(
        TensorContext context, FlatStretch stretch, FlatState first, FlatState second, ParameterSettings settings, DeviceNumbers? squares);

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == name)
                return i;
        throw new ArgumentException($"A shard has a range of '{name}', which is none of its parameters.");
    }
}
