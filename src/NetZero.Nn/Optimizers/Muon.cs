using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>
/// Muon (Jordan et al. 2024) on matrices: the step is the momentum with its singular values brought to 1, times 0.2 √max(rows, columns), which gives it the size of AdamW's (Liu et al. 2025,
/// "Muon is scalable for LLM training", section 2.2), so that one learning rate serves both. AdamW on vectors and on the matrices that it is told. Two states a parameter.
/// </summary>
/// <remarks>
/// Note: whole matrices for a moment. A unit is updated in four passes. Each rank moves its part of the momentum and writes directions into its slice of a buffer of the whole unit;
/// one all-gather makes them whole; each rank orthogonalizes the matrices that are its own, the largest first to the rank with the least work, and clears the others; one
/// reduce-scatter of sums, each with one term that is not zero, gives each rank its slice of all. Who computes a matrix does not change a bit: for equal gradients all stages and worlds agree.
/// The host reads nothing. In a step that the device leaves out the first and the last pass do nothing; what is gathered between them is memory that nobody wrote, and nobody uses.
/// </remarks>
public sealed class Muon : Optimizer
{
    // Section 2.2: the root mean square of AdamW's steps.
    private const double StepSize = 0.2;

    private static readonly Moment First = new("exp_avg", Signed: true);
    private static readonly Moment Second = new("exp_avg_sq", Signed: false);

    private readonly IFlatParameters _parameters;
    private readonly MuonOptions _options;

    /// <summary>Makes the optimizer.</summary>
    /// <exception cref="ArgumentException">A pattern of <see cref="MuonOptions.AdamWParameters"/> fits no parameter.</exception>
    public Muon(IFlatParameters parameters, MuonOptions? options = null)
        : base(parameters, options ??= new MuonOptions())
    {
        if (MuonOptions.FindUnused(options.AdamWParameters, parameters.Names) is { } unused)
            throw new ArgumentException($"AdamWParameters: {unused}.");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Steps, 1);
        _parameters = parameters;
        _options = options;
        Moments = [.. First.Declare(options.StateFormat), .. Second.Declare(options.StateFormat)];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OptimizerState> Moments { get; }

    /// <inheritdoc/>
    protected override void Update(FlatShard shard, Tensor[] state, Tensor? gradientScale)
    {
        ArgumentNullException.ThrowIfNull(shard);
        ReadOnlySpan<Tensor> rest = state;
        var first = First.Take(_options.StateFormat, ref rest);
        var second = Second.Take(_options.StateFormat, ref rest);
        var (values, gradients, context) = (shard.Values, shard.Gradients, shard.Values.Context);
        foreach (var range in shard.Ranges.Where(range => !IsMatrix(range)))
        {
            var settings = SettingsOf(range);
            context.Launch(new AdamWKernel(
                FlatStretch.Of(values, gradients, range.Start, range.Length, gradientScale), first, second,
                new AdamWSettings(settings.LearningRate, _options.Beta1, _options.Beta2, _options.Epsilon, settings.WeightDecay, ShardSteps)));
        }

        // The same on every rank: all take part in the collectives, those too that have no part of a matrix.
        var unit = shard.Unit;
        FlatRange[] matrices = [.. unit.Ranges.Where(IsMatrix)];
        if (matrices.Length == 0)
            return;
        using var scope = context.BeginScope("Muon");
        var whole = context.Empty([unit.Elements], DType.F32, MemoryKind.Communication, $"{shard.Name}.directions");
        var directions = context.View(whole.Storage, unit.ShardStart, values.Shape);
        foreach (var range in shard.Ranges.Where(IsMatrix))
            context.Launch(new MuonMomentumKernel(
                FlatStretch.Of(directions, gradients, range.Start, range.Length, gradientScale), first, _options.Momentum, _options.Nesterov));

        var (start, length) = shard.Own;
        var own = context.View(whole.Storage, unit.ShardStart + start, [length]);
        if (directions.Elements < whole.Elements)
            _parameters.Gather($"{shard.Name} directions", own, whole);
        Orthogonalize(whole, matrices, unit);
        _parameters.SumSlices($"{shard.Name} steps", whole, own);
        if (directions.Elements == whole.Elements)
            _parameters.Gather($"{shard.Name} steps", own, whole);
        foreach (var range in shard.Ranges.Where(IsMatrix))
        {
            var (settings, shape) = (SettingsOf(range), range.Parameter.Shape);
            context.Launch(new MuonKernel(
                FlatStretch.Of(values, directions, range.Start, range.Length, gradientScale).Unscaled(), settings.LearningRate * settings.WeightDecay,
                settings.LearningRate * StepSize * Math.Sqrt(Math.Max(shape[0], shape[1]))));
        }
    }

    private bool IsMatrix(FlatRange range) =>
        range.Parameter.Shape.Dims == 2 && !_options.AdamWParameters.Any(pattern => NamePattern.Matches(pattern, range.ParameterName));

    // This rank's matrices; the others are cleared, so that a sum over ranks takes them from those who have them.
    private void Orthogonalize(Tensor whole, FlatRange[] matrices, FlatUnit unit)
    {
        var work = new double[unit.Ranks];
        foreach (var matrix in matrices.OrderByDescending(m => NewtonSchulz.Flops(m.Parameter.Shape)).ThenBy(m => m.Start))
        {
            var rank = Array.IndexOf(work, work.Min());
            work[rank] += NewtonSchulz.Flops(matrix.Parameter.Shape);
            var direction = whole.Context.View(whole.Storage, matrix.Start, matrix.Parameter.Shape);
            if (rank == unit.Rank)
                NewtonSchulz.Orthogonalize(direction, _options.Steps);
            else
                direction.Clear();
        }
    }
}
