using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Global gradient norm and clipping.</summary>
/// <remarks>
/// Every stage sums over the same partition, the ranks' slices: unit by unit on each rank in double, then over ranks by the canonical tree. So the norm has the same bits at every stage.
/// </remarks>
internal sealed class GradientClipper(UnitRuntime[] units, ProcessGroup group, TensorContext tensors)
{
    // PyTorch's clip_grad_norm_ adds this to the norm it divides by.
    private const double Epsilon = 1e-6;

    private Tensor? _factor;

    /// <summary>The factor on the gradients, [1]; null is 1.</summary>
    public Tensor? Scale { get; private set; }

    /// <summary>A new step begins: no clipping.</summary>
    public void Reset() => Scale = null;

    public double Norm()
    {
        double sum = 0;
        foreach (var unit in units)
            sum += unit.Gradients.Slice.SumOfSquares();
        Span<double> total = [sum];
        group.AllReduce("gradient norm", total, ReduceOp.Sum);
        return Math.Sqrt(total[0]);
    }

    public double Clip(double maxNorm)
    {
        var norm = Norm();

        // Not below 1 means "leave them"; NaN does too, so that a broken step shows in the loss and is not hidden by a factor of zero.
        var factor = maxNorm / (norm + Epsilon);
        _factor ??= tensors.Empty([1], DType.F32, MemoryKind.Workspace, "clip factor").Keep();
        _factor.Fill(factor < 1 ? (float)factor : 1);
        Scale = _factor;
        return norm;
    }
}
