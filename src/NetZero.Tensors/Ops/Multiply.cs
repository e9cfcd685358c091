using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = a b elementwise, broadcast to a common shape. Saves of a and b what the other's gradient needs. Backward: da = dy b, db = dy a,
/// summed over what was broadcast.
/// </summary>
public static class MultiplyOp
{
    extension(Tensor)
    {
        /// <summary>Elementwise product; extents of 1 and missing leading dimensions broadcast.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast, or the elements are not F32.</exception>
        public static Tensor operator *(Tensor a, Tensor b) => Multiply(a, b);
    }

    private static Tensor Multiply(Tensor a, Tensor b)
    {
        (a, b) = Broadcasting.Expand("Multiply", a, b);
        var y = Elementwise.Map("Multiply", default(MultiplyRule), a, b);
        return GradientNode.Records(a, b) ? y.Attach(new Node(a, b)) : y;
    }

    private sealed class Node : GradientNode
    {
        private readonly Tensor? _a;
        private readonly Tensor? _b;

        public Node(Tensor a, Tensor b)
            : base(a, b)
        {
            _a = b.RequiresGrad ? Save(a) : null;
            _b = a.RequiresGrad ? Save(b) : null;
        }

        public override string Name => "Multiply";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
                Elementwise.MapInto(default(MultiplyRule), _b!, dOutput, sink.Target(0));
            if (sink.Needs(1))
                Elementwise.MapInto(default(MultiplyRule), _a!, dOutput, sink.Target(1));
        }
    }
}
