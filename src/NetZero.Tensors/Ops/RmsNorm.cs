using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = x rstd w with rstd = 1 / sqrt(mean(x^2) + epsilon) over the innermost dimension. x, y [.., C]; w [C].
/// Saves x, w and rstd [..]. Backward, with h = x rstd and g = dy w: dx = rstd (g - h mean(g h)), dw = sum of dy h over the rows.
/// </summary>
public static class RmsNormOp
{
    /// <summary>Root-mean-square normalisation: Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.</summary>
    /// <param name="x">What to normalise, [.., C].</param>
    /// <param name="weight">The scale, [C].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <exception cref="ArgumentException">The weight is not of shape [C].</exception>
    public static unsafe Tensor RmsNorm(this Tensor x, Tensor weight, double epsilon = 1e-6)
    {
        var columns = NormShapes.Columns("RmsNorm", x, weight);
        var context = x.Context;
        if (context.Composes<RmsNormForwardKernel, RmsNormBackwardKernel>("RmsNorm", x.DType, "a mean, products and a root"))
            return Composed(x, weight, (float)epsilon);
        (x, weight) = (x.Contiguous(), weight.Contiguous());
        var rows = NormShapes.Rows(x);
        var records = GradientNode.Records(x, weight);
        var y = context.Empty(x.Shape, x.DType);
        var rstd = records ? context.Empty([rows], name: "RmsNorm rstd") : null;
        using var tiles = context.RentWorkspace(NormRows.TileBytes(
            NormShapes.Has16Bits(x, weight), RmsNormForwardKernel.SharedTiles, RmsNormForwardKernel.WorkerTiles, context.Threads, columns));
        context.Launch(new RmsNormForwardKernel(
            x.Floats(), weight.Floats(), y.Floats(), rstd is null ? null : rstd.Data<float>(), rows, columns, (float)epsilon, tiles.Floats));
        return records ? y.Attach(new Node(x, weight, rstd!)) : y;
    }

    // In fp32, as the kernel computes.
    private static Tensor Composed(Tensor x, Tensor weight, float epsilon)
    {
        var wide = x.Cast(DType.F32);
        return (wide * ((wide * wide).Mean([-1], keepDims: true) + epsilon).Rsqrt() * weight.Cast(DType.F32)).Cast(x.DType);
    }

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor _rstd;

        public Node(Tensor x, Tensor weight, Tensor rstd)
            : base(x, weight)
        {
            _x = Save(x);
            _weight = Save(weight);
            _rstd = Save(rstd);
        }

        public override string Name => "RmsNorm";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var (rows, columns) = (NormShapes.Rows(_x), _x.Shape[^1]);
            var (dx, accumulateInput) = NormShapes.Target(sink, 0);
            var (dweight, accumulateWeight) = NormShapes.Target(sink, 1);
            using var scratch = Context.RentWorkspace(RmsNormBackwardKernel.WorkspaceBytes(rows, columns) + NormRows.TileBytes(
                NormShapes.Has16Bits(_x, _weight, dOutput) || !dx.IsFloat, RmsNormBackwardKernel.SharedTiles, RmsNormBackwardKernel.WorkerTiles, Context.Threads, columns));
            Context.Launch(new RmsNormBackwardKernel(
                _x.Floats(), _weight.Floats(), _rstd.Data<float>(), dOutput.Floats(), dx, dweight,
                (byte*)scratch.Pointer, rows, columns, accumulateInput, accumulateWeight));
        }
    }
}
