using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Global gradient norm and clipping.</summary>
/// <remarks>
/// Every stage sums over the same partition, the ranks' slices: unit by unit on each rank in double, then over ranks by the canonical tree. So the norm has the same bits at every
/// stage. It stays on the device, where the optimizer's kernels read what follows from it: see [Note: numbers that stay on the
/// device] in <see cref="DeviceNumbers"/>. Under hybrid sharding the replicas hold the same slices and so have the same sum: the largest
/// of these over the replicas is that sum, and a group that leaves the norm out is found, as any rank is.
/// </remarks>
internal sealed class GradientClipper(ShardingGroups groups, TensorContext tensors, LossScaler? scaler)
{
    private Tensor? _factor;
    private DeviceNumbers? _norm;

    /// <summary>The units that have gradients.</summary>
    public IReadOnlyList<UnitRuntime> Units { get; set; } = [];

    /// <summary>Whether the norm has been limited in this step.</summary>
    public bool HasClipped { get; private set; }

    /// <summary>The factor on the gradients, the clipping's over the scale of the loss, and whether the update is left out (0 is not), [2]; null is 1 and 0.</summary>
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
            Decide(norm: null, NormKind.Two, maxNorm: 0, Factor());
    }

    /// <summary>The norm over all ranks: one all-reduce of one number along each axis of the mesh.</summary>
    public DeviceNumbers Norm(NormKind kind)
    {
        var norm = Sum(kind);
        Decide(norm, kind, maxNorm: 0, Scale);
        return norm;
    }

    public DeviceNumbers Clip(double maxNorm, NormKind kind)
    {
        var norm = Sum(kind);
        Decide(norm, kind, maxNorm, Factor());
        HasClipped = true;
        return norm;
    }

    /// <summary>Limits each element, on what this rank updates: no collective.</summary>
    /// <remarks>Where an overflow leaves the step out, infinities stay for the norm to find.</remarks>
    public void ClipValue(double limit)
    {
        foreach (var unit in Units)
            unit.Gradients.Resident.ClampInPlace((float)(limit * LossScale), keepsInfinities: scaler is not null);
    }

    private DeviceNumbers Sum(NormKind kind)
    {
        if (!Enum.IsDefined(kind))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such norm.");
        var sum = _norm ??= new DeviceNumbers(tensors, 1, "gradient norm");
        sum.Clear();
        foreach (var unit in Units)
            Add(kind, unit.Gradients.Slice, sum);
        groups.Shard.AllReduce("gradient norm", sum, kind == NormKind.Infinity ? ReduceOp.Max : ReduceOp.Sum);
        groups.Replicate?.AllReduce("gradient norm", sum, ReduceOp.Max);
        return sum;
    }

    // What is infinite or not a number in any gradient is so in the norm, and the same on every rank.
    private unsafe void Decide(DeviceNumbers? norm, NormKind kind, double maxNorm, Tensor? factor) => tensors.Launch(new GradientFactorKernel(
        norm is null ? null : norm.Pointer, kind == NormKind.Two, LossScale, maxNorm, skipsOverflow: scaler is not null, factor is null ? null : factor.Data<float>()));

    private Tensor Factor() => Scale = _factor ??= tensors.Empty([2], DType.F32, MemoryKind.Workspace, "gradient factor").Keep();

    private static void Add(NormKind kind, Tensor slice, DeviceNumbers sum)
    {
        switch (kind)
        {
            case NormKind.One:
                slice.AddSumOfMagnitudes(sum);
                break;
            case NormKind.Two:
                slice.AddSumOfSquares(sum);
                break;
            default:
                slice.TakeLargestMagnitude(sum);
                break;
        }
    }
}
