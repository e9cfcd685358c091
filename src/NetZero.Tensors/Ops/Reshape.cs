namespace NetZero.Tensors;

/// <summary>y = x with other extents, a view where x is contiguous. Saves nothing. Backward: dx = dy with x's extents.</summary>
public static class ReshapeOp
{
    /// <summary>The same elements in the same order under another shape; at most one extent may be -1 and is worked out.</summary>
    /// <exception cref="ArgumentException">The number of elements would change.</exception>
    public static Tensor Reshape(this Tensor x, params ReadOnlySpan<long> extents)
    {
        var shape = Resolve(x, extents);
        var source = x.Contiguous();
        var y = source.Reinterpret(shape, null, source.Offset);
        return GradientNode.Records(source) ? y.Attach(new Node(source)) : y;
    }

    private static Shape Resolve(Tensor x, ReadOnlySpan<long> extents)
    {
        var unknown = extents.IndexOf(-1);
        if (unknown < 0)
            return Checked(x, Shape.Create(extents));
        var resolved = extents.ToArray();
        resolved[unknown] = 1;
        var known = Shape.Create(resolved).Elements;
        resolved[unknown] = known == 0 ? 0 : x.Elements / known;
        return Checked(x, Shape.Create(resolved));
    }

    private static Shape Checked(Tensor x, Shape shape) =>
        shape.Elements == x.Elements
            ? shape
            : throw new ArgumentException($"Reshape of {x} to {shape}: {x.Elements:N0} elements would become {shape.Elements:N0}.");

    private sealed class Node(Tensor x) : GradientNode(x)
    {
        private readonly Shape _shape = x.Shape;

        public override string Name => "Reshape";

        protected override void Backward(Tensor dOutput, GradientSink sink) =>
            sink.Add(0, dOutput.Reinterpret(_shape, null, dOutput.Offset));
    }
}
