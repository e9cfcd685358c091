using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>
/// Adafactor (Shazeer and Stern 2018): steps by the root of a second moment that is kept, of a matrix, as one mean of squares for each row
/// and one for each column; limited in their RMS, in proportion to the parameter. With Hugging Face's settings and order of operations. Of
/// vectors, and tensors of more than two dimensions, the whole second moment is kept.
/// </summary>
/// <remarks>
/// Note: means over shards. Rows and columns of a matrix lie on several ranks, and so do their means: those of a unit lie one after another
/// and are cut into slices as the unit is (see <see cref="StateLayout"/>), so that each is kept once. A unit is updated in five passes.
/// Each rank adds up squares over the part of it that is its own, at every stage the same; one reduce-scatter brings each rank the means
/// that it keeps, which follow them; one all-gather makes all of them whole for a moment, in fp32, and they become factors; then norms are
/// taken and values move, as <see cref="LayerwiseOptimizer"/> says. So stages have the same bits at one world size, and worlds differ by
/// the order in which means are added up and rounded. The host reads nothing.
/// </remarks>
public sealed class Adafactor : LayerwiseOptimizer
{
    private const string Rows = "exp_avg_sq_row";
    private const string Columns = "exp_avg_sq_col";
    private const string Full = "exp_avg_sq";

    private static readonly OptimizerState Means = new(Full, DType.F32)
    {
        Shapes = shape => IsFactored(shape) ? [(Rows, [shape[0]]), (Columns, [shape[1]])] : [(Full, shape)],
    };

    private readonly AdafactorOptions _options;
    private readonly Dictionary<FlatShard, StateLayout> _layouts = [];
    private IReadOnlyList<OptimizerState>? _moments;

    // Where factors of the unit at hand lie, and what they lie in.
    private (StateLayout Layout, Tensor Whole) _factors;

    /// <summary>Makes the optimizer.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public Adafactor(IFlatParameters parameters, AdafactorOptions? options = null)
        : base(
            parameters, options ??= new AdafactorOptions(), options.StateFormat,
            options.Beta1 is null ? [] : [new Moment("exp_avg", Signed: true)])
    {
        options.Check();
        _options = options;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OptimizerState> Moments => _moments ??= [.. base.Moments, Means];

    /// <summary>How many numbers are kept for the second moment of a parameter.</summary>
    public static long MeansOf(Shape shape) => Means.Shapes!(shape).Sum(kept => kept.Shape.Elements);

    /// <inheritdoc/>
    protected override void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        ArgumentNullException.ThrowIfNull(state);
        using var scope = shard.Values.Context.BeginScope("Adafactor");
        _factors = MeansOf(shard);
        MakeFactors(shard, state[base.Moments.Count], gradientScale);
        base.Update(shard, state, gradientScale);
        _factors = default;
    }

    private protected override void AddSquares(
        FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares) =>
        FlatNorms.AddOfFactored(stretch, FactorsOf(range), squares);

    private protected override void Move(FlatRange range, FlatStretch stretch, FlatState first, FlatState second, DeviceNumbers squares)
    {
        var settings = SettingsOf(range);
        var (context, factors) = (squares.Context, FactorsOf(range));
        var rate = new AdafactorRate(
            settings.LearningRate, _options.ScaleParameter, _options.Epsilon2, _options.ClipThreshold, range.Parameter.Shape.Elements,
            squares);
        if (_options.Beta1 is { } beta1)
            context.Launch(new AdafactorMomentumKernel(stretch, factors, first, beta1, settings.WeightDecay, rate));
        else
            context.Launch(new AdafactorKernel(stretch, factors, settings.WeightDecay, rate));
    }

    private static bool IsFactored(Shape shape) => shape.Dims == 2;

    // Room for the means of a whole unit.
    private (StateLayout Layout, Tensor Whole) MeansOf(FlatShard shard)
    {
        if (!_layouts.TryGetValue(shard, out var layout))
            _layouts[shard] = layout = new StateLayout(Means, shard.Unit);
        return (layout, shard.Values.Context.Empty([layout.PaddedElements], DType.F32, MemoryKind.Communication, $"{shard.Name}.{Full}"));
    }

    // 1 / √ of what is kept, of the whole unit.
    private void MakeFactors(FlatShard shard, Tensor means, Tensor? gradientScale)
    {
        var (unit, (layout, whole)) = (shard.Unit, _factors);
        var context = whole.Context;
        whole.Clear();
        foreach (var range in OwnRanges(shard))
            AddMeans(shard, range, gradientScale);

        var own = context.View(whole.Storage, unit.Rank * layout.SliceElements, [layout.SliceElements]);
        Parameters.SumSlices($"{shard.Name} means", whole, own);
        if (shard.IsWhole && unit.Ranks > 1)
            Parameters.Gather($"{shard.Name} means", own, whole);

        // What stays of the means: nothing at the first step.
        var found = shard.IsWhole ? whole : own;
        var decay = 1 - Math.Pow(ShardSteps, _options.DecayRate);
        context.Launch(new AverageKernel(FlatStretch.Of(means, found, 0, means.Elements, gradientScale).Unscaled(), decay));
        found.CopyFrom(means);
        if (!shard.IsWhole)
            Parameters.Gather($"{shard.Name} means", own, whole);
        foreach (var range in shard.Ranges)
            Invert(range);
    }

    private unsafe void AddMeans(FlatShard shard, FlatRange range, Tensor? gradientScale)
    {
        var context = shard.Values.Context;
        var stretch = FlatStretch.Of(shard.Values, shard.Gradients, range.Start, range.Length, gradientScale);
        var place = PlaceOf(range);
        using var scratch = context.RentWorkspace(AdafactorSquaresKernel.WorkspaceBytes(place.Part, range.Length));
        context.Launch(new AdafactorSquaresKernel(
            stretch, place.Part, _options.Epsilon1, place.Rows, place.Columns, (double*)scratch.Pointer));
    }

    private unsafe void Invert(FlatRange range)
    {
        var place = PlaceOf(range);
        _factors.Whole.Context.Launch(new AdafactorFactorsKernel(place.Rows, place.Part.Rows, place.Columns, place.Part.Columns));
    }

    private unsafe FlatState FactorsOf(FlatRange range)
    {
        var place = PlaceOf(range);
        return FlatState.Factors(place.Rows, place.Columns, place.Part.Columns, place.Part.First - range.Start);
    }

    // What is not factored is one row, whose columns are its elements.
    private unsafe Place PlaceOf(FlatRange range)
    {
        var shape = range.Parameter.Shape;
        var isFactored = IsFactored(shape);
        var part = isFactored
            ? new MatrixPart(range.ParameterStart, shape[0], shape[1])
            : new MatrixPart(range.ParameterStart, 1, shape.Elements);
        var data = _factors.Whole.Data<float>();
        if (data == null)
            return new Place(null, null, part);
        var first = data + _factors.Layout.OffsetOf(range.ParameterName);
        return isFactored ? new Place(first, first + part.Rows, part) : new Place(null, first, part);
    }

    // Where factors, or the means that they come from, of a parameter's rows and columns lie (null on Meta, and where there are no rows),
    // and what a range is of the parameter.
    private readonly unsafe struct Place(float* rows, float* columns, MatrixPart part)
    {
        public float* Rows => rows;

        public float* Columns => columns;

        public MatrixPart Part => part;
    }
}
