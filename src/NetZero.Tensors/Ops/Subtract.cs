using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = a - b, broadcast to a common shape. Saves nothing. Backward: da = dy, db = -dy, each summed over what was broadcast.
/// </summary>
public static class SubtractOp
{
    extension(Tensor)
    {
        /// <summary>Elementwise difference; extents of 1 and missing leading dimensions broadcast.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast, or the elements are not F32.</exception>
        public static Tensor operator -(Tensor a, Tensor b) => Subtract(a, b);
    }

    private static Tensor Subtract(Tensor a, Tensor b)
    {
        (a, b) = Broadcasting.Expand("Subtract", a, b);
        var y = Elementwise.Map("Subtract", default(SubtractRule), a, b);
        return GradientNode.Records(a, b) ? y.Attach(new Node(a, b)) : y;
    }

    private sealed class Node(Tensor a, Tensor b) : GradientNode(a, b)
    {
        public override string Name => "Subtract";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
                sink.Add(0, dOutput);
            if (sink.Needs(1))
                Elementwise.MapInto(new ScaleRule(-1), dOutput, sink.Target(1));
        }
    }
}
