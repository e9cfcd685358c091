using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// y = a + b, broadcast to a common shape. Saves nothing. Backward: da = dy, db = dy, each summed over what was broadcast.
/// </summary>
public static class AddOp
{
    extension(Tensor)
    {
        /// <summary>Elementwise sum; extents of 1 and missing leading dimensions broadcast.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast, or the elements are not F32.</exception>
        public static Tensor operator +(Tensor a, Tensor b) => Add(a, b);
    }

    private static Tensor Add(Tensor a, Tensor b)
    {
        (a, b) = Broadcasting.Expand("Add", a, b);
        var y = Elementwise.Map("Add", default(AddRule), a, b);
        return GradientNode.Records(a, b) ? y.Attach(new Node(a, b)) : y;
    }

    private sealed class Node(Tensor a, Tensor b) : GradientNode(a, b)
    {
        public override string Name => "Add";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (sink.Needs(0))
                sink.Add(0, dOutput);
            if (sink.Needs(1))
                sink.Add(1, dOutput);
        }
    }
}
