using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Global gradient norm and clipping.</summary>
/// <remarks>
/// Every stage sums over the same partition, the ranks' slices: unit by unit on each rank in double, then over ranks by the canonical tree. So the norm has the same bits at every
/// stage. Under hybrid sharding the replicas hold the same slices, and each group sums its own.
/// </remarks>
internal sealed class GradientClipper(ProcessGroup group, TensorContext tensors, LossScaler? scaler)
{
    // PyTorch's clip_grad_norm_ adds this to the norm it divides by.
    private const double Epsilon = 1e-6;

    private Tensor? _factor;

    /// <summary>The units that have gradients.</summary>
    public IReadOnlyList<UnitRuntime> Units { get; set; } = [];

    /// <summary>Whether the norm has been limited in this step.</summary>
    public bool HasClipped { get; private set; }

    /// <summary>The factor on the gradients, [1]: the clipping's, over the scale of the loss; null is 1.</summary>
    public Tensor? Scale { get; private set; }

    /// <summary>What the step's losses are multiplied with: the scaler's scale at the beginning of the step, wherever the scaler has moved on to since; 1 without one.</summary>
    public double LossScale { get; private set; } = 1;

    /// <summary>A new step begins: no clipping, and the scale of its losses is the scaler's.</summary>
    public void Reset()
    {
        HasClipped = false;
        Scale = null;
        LossScale = scaler?.Scale ?? 1;
        if (scaler is not null)
            SetScale(1 / LossScale);
    }

    /// <summary>The norm over all ranks: one all-reduce of one number along the shard axis.</summary>
    public double Norm(NormKind kind)
    {
        double part = 0;
        foreach (var unit in Units)
            part = Combine(kind, part, Of(kind, unit.Gradients.Slice));
        Span<double> total = [part];
        group.AllReduce("gradient norm", total, kind == NormKind.Infinity ? ReduceOp.Max : ReduceOp.Sum);
        return (kind == NormKind.Two ? Math.Sqrt(total[0]) : total[0]) / LossScale;
    }

    public double Clip(double maxNorm, NormKind kind)
    {
        var norm = Norm(kind);

        // Not below 1 means "leave them"; NaN does too, so that a broken step shows in the loss and is not hidden by a factor of zero.
        var factor = maxNorm / (norm + Epsilon);
        SetScale((factor < 1 ? factor : 1) / LossScale);
        HasClipped = true;
        return norm;
    }

    /// <summary>Limits each element, on what this rank updates: no collective.</summary>
    public void ClipValue(double limit)
    {
        foreach (var unit in Units)
            unit.Gradients.Resident.ClampInPlace((float)(limit * LossScale));
    }

    private void SetScale(double factor)
    {
        _factor ??= tensors.Empty([1], DType.F32, MemoryKind.Workspace, "gradient factor").Keep();
        _factor.Fill((float)factor);
        Scale = _factor;
    }

    private static double Of(NormKind kind, Tensor slice) => kind switch
    {
        NormKind.One => slice.SumOfMagnitudes(),
        NormKind.Two => slice.SumOfSquares(),
        NormKind.Infinity => slice.LargestMagnitude(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such norm."),
    };

    private static double Combine(NormKind kind, double a, double b) => kind == NormKind.Infinity ? Math.Max(a, b) : a + b;
}
