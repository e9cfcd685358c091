using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>An optimizer whose step of a parameter is scaled by norms of the whole parameter, which lie on several ranks.</summary>
/// <remarks>
/// Note: norms over shards. A unit is updated in two passes. The first sums squares over the part of it that this rank owns, at every stage the same part, and one reduction adds those of
/// all ranks; the second moves the values. The sums never leave the device: see [Note: numbers that stay on the device] in <see
/// cref="DeviceNumbers"/>. So stages have the same bits at one world size, and worlds differ by the order of sums of doubles only.
/// </remarks>
public abstract class LayerwiseOptimizer : Optimizer
{
    private readonly Moment[] _moments;
    private readonly StateFormat _format;

    private protected LayerwiseOptimizer(IFlatParameters parameters, OptimizerOptions options, StateFormat format, params Moment[] moments)
        : base(parameters, options)
    {
        Parameters = parameters;
        _moments = moments;
        _format = format;
        Moments = [.. moments.SelectMany(moment => moment.Declare(format))];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OptimizerState> Moments { get; }

    private protected IFlatParameters Parameters { get; }

    /// <inheritdoc/>
    protected override void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        var (values, gradients) = (shard.Values, shard.Gradients);
        ReadOnlySpan<Tensor> rest = state;
        var first = _moments.Length > 0 ? _moments[0].Take(_format, ref rest) : FlatState.None;
        var second = _moments.Length > 1 ? _moments[1].Take(_format, ref rest) : FlatState.None;
        Begin(shard, first, second, gradientScale);

        var names = shard.ParameterNames;
        var sums = new DeviceNumbers(values.Context, 2 * names.Count, $"{shard.Name} norms");
        foreach (var range in OwnRanges(shard))
        {
            var stretch = FlatStretch.Of(values, gradients, range.Start, range.Length, gradientScale);
            AddSquares(range, stretch, first, second, Of(range));
        }

        Parameters.SumOverRanks($"{shard.Name} norms", sums);
        foreach (var range in shard.Ranges)
            Move(range, FlatStretch.Of(values, gradients, range.Start, range.Length, gradientScale), first, second, Of(range));
        sums.Free();

        DeviceNumbers Of(FlatRange range) => sums.Slice(2 * IndexOf(names, range.ParameterName), 2);
    }

    /// <summary>The parts of parameters in the part of the shard whose sums this rank adds to those of others.</summary>
    private protected static IEnumerable<FlatRange> OwnRanges(FlatShard shard)
    {
        var (ownStart, ownLength) = shard.Own;
        foreach (var range in shard.Ranges)
        {
            var from = Math.Max(range.Start, ownStart);
            var to = Math.Min(range.Start + range.Length, ownStart + ownLength);
            if (from < to)
                yield return range with { ParameterStart = range.ParameterStart + (from - range.Start), Start = from, Length = to - from };
        }
    }

    // What comes before norms can be taken.
    private protected virtual void Begin(FlatShard shard, FlatState first, FlatState second, Tensor? gradientScale)
    {
    }

    // Adds the squares of a stretch of values and of its direction to two sums.
    private protected abstract void AddSquares(
        FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares);

    // Moves values at a rate that follows from both sums of the whole parameter.
    private protected abstract void Move(FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares);

    // Of vectors and scalars the ratio of norms is 1: the papers' authors exclude biases and norm weights.
    private protected static DeviceNumbers? OfMatrices(FlatRange range, DeviceNumbers squares) =>
        range.Parameter.Shape.Dims < 2 ? null : squares;

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == name)
                return i;
        throw new ArgumentException($"A shard has a range of '{name}', which is none of its parameters.");
    }
}
