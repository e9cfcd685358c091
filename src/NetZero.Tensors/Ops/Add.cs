using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y = a + b, broadcast to a common shape. Saves nothing. Backward: da = dy, db = dy, each summed over what was broadcast.</summary>
public static class AddOp
{
    extension(Tensor)
    {
        /// <summary>Elementwise sum; extents of 1 and missing leading dimensions broadcast.</summary>
        /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
        public static Tensor operator +(Tensor a, Tensor b) => Add(a, b);
    }

    private static unsafe Tensor Add(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var shape = Broadcasting.CommonShape("Add", a, b);
        a = a.Expand(shape);
        b = b.Expand(shape);
        var y = a.Context.Empty(shape);
        var plan = a.IsContiguous && b.IsContiguous
            ? StridedPlan.Flat(shape.Elements)
            : StridedPlan.Strided(shape.Extents, y.Strides, a.Strides, b.Strides);
        a.Context.Launch(new BinaryKernel<AddRule>(default, a.Data<float>(), b.Data<float>(), y.Data<float>(), plan));
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
