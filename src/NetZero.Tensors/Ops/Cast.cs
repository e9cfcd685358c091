using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = x as another element type. Saves nothing. Backward, between floating-point types: dx = dy as the type of x.</summary>
public static class CastOp
{
    /// <summary>Converts each element; this tensor where it has the type already.</summary>
    /// <remarks>
    /// Between floating-point types: to nearest, ties to even; too large becomes infinite. Floating point to integers: towards zero,
    /// saturating, NaN gives 0.
    /// Integers to floating point: to nearest, through F32. Integers to integers: the low bits. Casts to or from integers pass no gradient.
    /// </remarks>
    public static unsafe Tensor Cast(this Tensor x, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.DType == dtype)
            return x;
        x = x.Contiguous();
        var y = x.Context.Empty(x.Shape, dtype);
        x.Context.Launch(new CastKernel(x.Bytes(), x.DType, y.Bytes(), dtype, x.Elements));
        return dtype.IsFloatingPoint() && GradientNode.Records(x) ? y.Attach(new Node(x)) : y;
    }

    private sealed class Node(Tensor x) : GradientNode(x)
    {
        private readonly DType _dtype = x.DType;

        public override string Name => "Cast";

        protected override void Backward(Tensor dOutput, GradientSink sink) => sink.Add(0, dOutput.Cast(_dtype));
    }
}
