using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = a / b elementwise, broadcast to a common shape. Saves b, and y if b needs a gradient. Backward: da = dy / b, db = -dy y / b, summed
/// over what was broadcast.
/// </summary>
public static class DivideOp
{
    extension(Tensor)
    {
        /// <summary>Elementwise quotient; extents of 1 and missing leading dimensions broadcast.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast, or the elements are not F32.</exception>
        public static Tensor operator /(Tensor a, Tensor b) => Divide(a, b);
    }

    private static Tensor Divide(Tensor a, Tensor b)
    {
        (a, b) = Broadcasting.Expand("Divide", a, b);
        var y = Elementwise.Map("Divide", default(DivideRule), a, b);
        return GradientNode.Records(a, b) ? y.Attach(new Node(a, b, y)) : y;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor _b;
        private readonly Tensor? _y;

        public Node(Tensor a, Tensor b, Tensor y)
            : base(a, b)
        {
            _b = Save(b);
            _y = b.RequiresGrad ? Save(y) : null;
        }

        public override string Name => "Divide";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
                Elementwise.MapInto(default(DivideRule), dOutput, _b, sink.Target(0));
            if (sink.Needs(1))
                Elementwise.MapInto(default(DivideBackwardRule), dOutput, _y!, _b, sink.Target(1));
        }
    }
}
