using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = (x - mean) rstd w + b with mean and rstd = 1 / sqrt(var + epsilon) over the innermost dimension. x, y [.., C]; w, b [C].
/// Saves x, w, mean and rstd [..]. Backward, with h = (x - mean) rstd and g = dy w: dx = rstd (g - mean(g) - h mean(g h)),
/// dw = sum of dy h, db = sum of dy over the rows.
/// </summary>
public static class LayerNormOp
{
    /// <summary>Layer normalisation: Ba, Kiros, Hinton, "Layer Normalization" (2016), section 3.</summary>
    /// <param name="x">What to normalise, [.., C].</param>
    /// <param name="weight">The scale, [C].</param>
    /// <param name="bias">The shift, [C].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="ArgumentException">Weight or bias is not of shape [C].</exception>
    public static unsafe Tensor LayerNorm(this Tensor x, Tensor weight, Tensor bias, double epsilon = 1e-5)
    {
        var columns = NormShapes.Columns("LayerNorm", x, weight);
        NormShapes.Check("LayerNorm", x, bias, columns);
        var context = x.Context;
        if (context.Composes<LayerNormForwardKernel, LayerNormBackwardKernel>("LayerNorm", x.DType, "means, products and a root"))
            return Composed(x, weight, bias, (float)epsilon);
        (x, weight, bias) = (x.Contiguous(), weight.Contiguous(), bias.Contiguous());
        var rows = NormShapes.Rows(x);
        var records = GradientNode.Records(x, weight, bias);
        var y = context.Empty(x.Shape, x.DType);
        var mean = records ? context.Empty([rows], name: "LayerNorm mean") : null;
        var rstd = records ? context.Empty([rows], name: "LayerNorm rstd") : null;
        using var tiles = context.RentWorkspace(NormRows.TileBytes(
            NormShapes.Has16Bits(x, weight, bias), LayerNormForwardKernel.SharedTiles, LayerNormForwardKernel.WorkerTiles, context.Threads, columns));
        context.Launch(new LayerNormForwardKernel(
            x.Floats(), weight.Floats(), bias.Floats(), y.Floats(),
            mean is null ? null : mean.Data<float>(), rstd is null ? null : rstd.Data<float>(), rows, columns, (float)epsilon, tiles.Floats));
        return records ? y.Attach(new Node(x, weight, bias, mean!, rstd!)) : y;
    }

    // In fp32, as the kernel computes.
    private static Tensor Composed(Tensor x, Tensor weight, Tensor bias, float epsilon)
    {
        var wide = x.Cast(DType.F32);
        var centered = wide - wide.Mean([-1], keepDims: true);
        var variance = (centered * centered).Mean([-1], keepDims: true);
        return ((centered * (variance + epsilon).Rsqrt() * weight.Cast(DType.F32)) + bias.Cast(DType.F32)).Cast(x.DType);
    }

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor _mean;
        private readonly Tensor _rstd;

        public Node(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor rstd)
            : base(x, weight, bias)
        {
            _x = Save(x);
            _weight = Save(weight);
            _mean = Save(mean);
            _rstd = Save(rstd);
        }

        public override string Name => "LayerNorm";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var (rows, columns) = (NormShapes.Rows(_x), _x.Shape[^1]);
            var (dx, accumulateInput) = NormShapes.Target(sink, 0);
            var (dweight, accumulateWeight) = NormShapes.Target(sink, 1);
            var (dbias, accumulateBias) = NormShapes.Target(sink, 2);
            using var scratch = Context.RentWorkspace(LayerNormBackwardKernel.WorkspaceBytes(rows, columns) + NormRows.TileBytes(
                NormShapes.Has16Bits(_x, _weight, dOutput) || !dx.IsFloat, LayerNormBackwardKernel.SharedTiles, LayerNormBackwardKernel.WorkerTiles, Context.Threads, columns));
            Context.Launch(new LayerNormBackwardKernel(
                _x.Floats(), _weight.Floats(), _mean.Data<float>(), _rstd.Data<float>(), dOutput.Floats(), dx, dweight, dbias, (byte*)scratch.Pointer, rows, columns,
                accumulateInput, accumulateWeight, accumulateBias));
        }
    }
}
